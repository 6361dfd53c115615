"""Fetches wait for a wide window, not forever, and everything is read in the end."""

from __future__ import annotations

import random
import sys

import pytest
from aiokafka.errors import CorruptRecordException
from hypothesis import given
from hypothesis import strategies as st

from streams.fetch import batch_headers, decompression, fetcher_seam, window_turns
from streams.fetch.decompression import widest_window
from streams.fetch.fetcher_seam import as_batches, waits_for_turn
from streams.fetch.window_turns import WindowTurns
from tests.streams.fetch.bombs import CODECS, batch, records
from tests.streams.fetch.fetched import EVENTS, Fetched, get
from tests.streams.fetch.kafka_batches import HEADER_BYTES, sealed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = pytest.mark.usefixtures("batches_installed", "little_is_held")

MIB = 2**20


@pytest.fixture
def little_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """What opens to more than some bytes is opened over several calls."""
    monkeypatch.setattr(batch_headers, "WHOLE_BYTES", 500)
    monkeypatch.setattr(decompression, "CHUNK_BYTES", 100)
    monkeypatch.setattr(fetcher_seam, "BATCH_BYTES", 1)
    monkeypatch.setattr(fetcher_seam, "PORTION_BYTES", 1)
    monkeypatch.setattr(window_turns, "TURNS", WindowTurns())


def wide(count: int = 30, *, base: int = 0) -> bytes:
    """A batch that cannot be held and asks for the widest window."""
    return batch("wide zstd", records(100, count), count, base=base)


def offsets(fetch: Fetched, *, in_batches: bool, limit: int = 10) -> list[int]:
    """What one call takes."""
    with as_batches(lambda _: in_batches):
        came = get(fetch.result, limit)
    if not in_batches:
        return [one.offset for one in came]
    return came.offsets.tolist() if came else []


def rest(fetch: Fetched, *, in_batches: bool) -> list[int]:
    """All that is left."""
    found: list[int] = []
    for _ in range(1_000):
        if not fetch.result.has_more():
            return found
        found += offsets(fetch, in_batches=in_batches)
    raise AssertionError("it waits without end")


@pytest.mark.parametrize("in_batches", [True, False])
def test_a_second_one_waits_until_the_first_is_read(*, in_batches: bool) -> None:
    """It keeps its place, and is then read from its beginning; meanwhile it is not stuck."""
    one, two = Fetched(wide()), Fetched(wide())

    first = offsets(one, in_batches=in_batches, limit=1)

    assert first == [0]
    assert offsets(two, in_batches=in_batches) == []
    assert (two.state.position, two.result.has_more()) == (0, True)
    assert waits_for_turn(EVENTS)
    assert first + rest(one, in_batches=in_batches) == list(range(30))
    assert rest(two, in_batches=in_batches) == list(range(30))
    assert not waits_for_turn(EVENTS)


@pytest.mark.parametrize("in_batches", [True, False])
def test_one_that_is_let_go_is_waited_for_no_longer(*, in_batches: bool) -> None:
    """A rebalance drops what was fetched; nothing waits for a collector."""
    one, two = Fetched(wide()), Fetched(wide())
    offsets(one, in_batches=in_batches, limit=1)

    del one.result

    assert rest(two, in_batches=in_batches) == list(range(30))


@pytest.mark.parametrize("codec", list(CODECS))
@pytest.mark.parametrize("in_batches", [True, False])
def test_others_do_not_wait(codec: str, *, in_batches: bool) -> None:
    """Narrow windows, other codecs, and what is opened at once."""
    one = Fetched(wide())
    offsets(one, in_batches=in_batches, limit=1)

    long, short = Fetched(batch(codec, records(100, 30), 30)), Fetched(wide(3))

    assert rest(long, in_batches=in_batches) == list(range(30))
    assert rest(short, in_batches=in_batches) == list(range(3))


@pytest.mark.parametrize("seed", range(20))
def test_all_are_read_in_whatever_order_they_are_asked(seed: int) -> None:
    """Nothing is lost and none waits without end: the holder of a window can always go on."""
    choice = random.Random(seed)  # noqa: S311 - it is no secret
    in_batches = choice.choice([True, False])
    fetches, expected = [], []
    for _ in range(choice.randint(2, 5)):
        parts, base = [], 0
        for count in choice.choices([1, 3, 30], k=choice.randint(1, 4)):
            parts.append(choice.choice([wide, narrow])(count, base=base))
            base += count
        fetches.append(Fetched(b"".join(parts)))
        expected.append(list(range(base)))
    came: list[list[int]] = [[] for _ in fetches]
    for _ in range(2_000):
        number = choice.randrange(len(fetches))
        if fetches[number].result.has_more():
            came[number] += offsets(fetches[number], in_batches=in_batches)

    assert came == expected


def narrow(count: int, *, base: int) -> bytes:
    """A batch of a window as usual."""
    return batch("zstd", records(100, count), count, base=base)


@pytest.mark.parametrize("log", [10, 17, 23, 24, 25, 27])
@pytest.mark.parametrize("before", ["", "a frame", "a skipped frame"])
def test_a_window_is_read_of_each_frame(log: int, before: str) -> None:
    """Wherever it stands."""
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log})
    frame = packer.compress(b"x") + packer.flush()
    start = {
        "": b"",
        "a frame": zstd.compress(b"yy"),
        "a skipped frame": b"\x50\x2a\x4d\x18\x03\0\0\0abc",
    }[before]

    assert widest_window(memoryview(start + frame)) == 2**log


def test_a_frame_of_one_segment_is_its_own_window() -> None:
    """It has no other size than that of what is in it."""
    frame = zstd.compress(bytes(20 * MIB), options={zstd.CompressionParameter.window_log: 25})

    assert widest_window(memoryview(frame)) == 20 * MIB


@given(st.binary(max_size=40), st.integers(0, 40))
def test_what_is_no_zstd_has_no_window(rubbish: bytes, cut: int) -> None:
    """Decompressing it raises the error."""
    for data in (rubbish, zstd.compress(b"abc")[:cut] + rubbish, b"\x28\xb5\x2f\xfd" + rubbish):
        assert widest_window(memoryview(data)) >= 0


@pytest.mark.parametrize("in_batches", [True, False])
def test_a_wide_one_that_is_corrupt_holds_nobody_up(*, in_batches: bool) -> None:
    """It is an error where it is read, as before, and its turn is over."""
    good = wide()
    at = HEADER_BYTES + (len(good) - HEADER_BYTES) // 2
    harmed = Fetched(sealed(bytearray(good[:at] + b"\xff\xff" + good[at + 2 :])))
    with pytest.raises(CorruptRecordException):
        rest(harmed, in_batches=in_batches)
    del harmed.result

    assert rest(Fetched(good), in_batches=in_batches) == list(range(30))
