"""What is held of a record batch that is small on its topic and decompresses to gigabytes."""

from __future__ import annotations

import subprocess
import sys
from itertools import product

import cramjam
import pytest
from aiokafka.errors import CorruptRecordException
from hypothesis import given
from hypothesis import strategies as st

from streams.fetch import (
    batch_headers,
    decompression,
    fetcher_seam,
    old_batches,
    record_runs,
    snappy,
)
from streams.fetch.fetcher_seam import as_batches
from tests.streams.fetch import bombs
from tests.streams.fetch.any_fetch import MANY, fetches
from tests.streams.fetch.bombs import CODECS, batch, records
from tests.streams.fetch.fetched import Fetched, endless, get, outcome
from tests.streams.fetch.kafka_batches import OLD_FORMATS, Made, Record, old_batch

pytestmark = pytest.mark.usefixtures("batches_installed")

# Of each partition whose batch is being opened, and once for all.
PARTITION_MIB, MORE_MIB = 16, 64


@pytest.mark.parametrize("kind", ["batches", "records"])
@pytest.mark.parametrize(
    ("codec", "size", "count"),
    [
        ("zstd", 2**20, 1_000),
        ("zstd", 10**9, 1),
        ("zstd", 3, 1_000_000),
        ("gzip", 2**20, 300),
        # The slow codecs open a gigabyte in tests/system/e2e/test_bombs.py.
        ("gzip", 3 * 10**8, 1),
        # More than these open to does not fit into what a topic takes.
        ("lz4", 2**20, 450),
        ("lz4", 450 * 2**20, 1),
        ("snappy", 2**20, 20),
        ("snappy", 20 * 2**20, 1),
    ],
)
def test_ten_bombs_at_once_take_little_memory(kind: str, codec: str, size: int, count: int) -> None:
    """Sixteen MiB for each partition, however much a batch opens to, for every kind of consumer."""
    assert_little_memory(kind, codec, size, count)


@pytest.mark.parametrize("kind", ["batches", "records"])
@pytest.mark.parametrize(("size", "count"), [(2**20, 400), (400 * 2**20, 1)])
def test_ten_wide_windows_at_once_take_the_memory_of_one(kind: str, size: int, count: int) -> None:
    """A frame may ask for 128 MiB; whose batch is not opened at once waits for its turn."""
    assert_little_memory(kind, "wide zstd", size, count, window_mib=2**bombs.WIDEST // 2**20)


@pytest.mark.parametrize(
    ("codec", "size", "count"),
    [
        ("gzip", 2**20, 200),
        ("gzip", 200 * 2**20, 1),
        ("gzip", 3, 100_000),
        ("lz4", 2**20, 300),
        ("snappy", 20 * 2**20, 1),
    ],
)
def test_ten_old_bombs_at_once_take_little_memory(codec: str, size: int, count: int) -> None:
    """A message of format 1 may hold as much."""
    assert_little_memory("old", codec, size, count)


def assert_little_memory(
    kind: str, codec: str, size: int, count: int, *, window_mib: int = 0
) -> None:
    """Take the bombs in a process of their own."""
    command = [
        sys.executable,
        "-m",
        "tests.streams.fetch.bombs",
        kind,
        codec,
        str(size),
        str(count),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)

    assert done.stdout, done.stderr
    assert int(done.stdout) <= 10 * PARTITION_MIB + MORE_MIB + window_mib


@MANY
@given(fetches(), st.sampled_from([1, 3, None]), st.sampled_from([1, 40, 300]))
def test_it_does_not_matter_how_little_is_held_at_once(
    fetch: tuple[bytes, int, list[tuple[int, int]]], limit: int | None, held: int
) -> None:
    """Batches in chunks are the same records, at the same offsets."""
    data, offset, aborted = fetch
    expected = [
        row
        for rows, *_ in Fetched(data, offset=offset, aborted=aborted, own=True).by_record(
            endless([None])
        )
        for row in rows
    ]

    with pytest.MonkeyPatch.context() as patch:
        for where, name, most in (
            (batch_headers, "WHOLE_BYTES", held),
            (batch_headers, "RUN_RECORDS", 3),
            (record_runs, "RUN_RECORDS", 3),
            (record_runs, "RUN_BYTES", held),
            (decompression, "CHUNK_BYTES", held),
            (snappy, "BLOCK_BYTES", held),
            (fetcher_seam, "BATCH_BYTES", held),
        ):
            patch.setattr(where, name, most)
        came = list(Fetched(data, offset=offset, aborted=aborted).by_batch(endless([limit])))

    assert [row for rows, *_ in came for row in rows] == expected


@pytest.mark.parametrize("codec", list(CODECS.values()))
@pytest.mark.parametrize("long", ["value", "key", "headers", "all"])
def test_of_a_very_long_record_the_beginning_is_kept(
    codec: int, long: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused as too long; its neighbours are as they were."""
    monkeypatch.setattr(batch_headers, "WHOLE_BYTES", 500)
    monkeypatch.setattr(decompression, "CHUNK_BYTES", 100)
    monkeypatch.setattr(snappy, "BLOCK_BYTES", 0)
    monkeypatch.setattr(record_runs, "RUN_BYTES", 500)
    monkeypatch.setattr(record_runs, "RECORD_BYTES", 1_000)
    monkeypatch.setattr(record_runs, "_HEADERS_BYTES", 400)
    much = {"value", "key", "headers"} if long == "all" else {long}
    odd = Record(
        1,
        b"v" * (5_000 if "value" in much else 50),
        b"k" * (5_000 if "key" in much else 5),
        [("tenant", b"acme"), ("x", b"y" * (5_000 if "headers" in much else 50))],
    )
    made = Made(7, [Record(0, b"a"), odd, Record(2, b"c")], 2, codec=codec)

    (*steps,) = Fetched(made.to_bytes(), offset=7).by_batch(endless([None]))

    rows = [row for rows, *_ in steps for row in rows]
    assert [(offset, value) for offset, _, value, _ in rows] == [
        (7, b"a"),
        (8, (odd.value or b"")[:1_000]),
        (9, b"c"),
    ]
    assert rows[1][3] == (() if "headers" in much else tuple(odd.headers))
    assert steps[-1][1] == 10


@pytest.mark.parametrize(("version", "codec"), [one for one in OLD_FORMATS if one[1]])
@pytest.mark.parametrize("held", [1, 40, 300])
def test_old_messages_are_the_same_however_little_is_held(
    codec: int, version: int, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a very long one the beginning is kept, its neighbours are as they were."""
    values = [b"a", b"", b"v" * 5_000, b"c" * 900, *[b"%d" % n for n in range(50)]]
    data = old_batch(7, values, version=version, codec=codec)
    for where, name, most in (
        (old_batches, "RUN_RECORDS", 3),
        (old_batches, "RUN_BYTES", held),
        (old_batches, "RECORD_BYTES", 1_000),
        (decompression, "CHUNK_BYTES", held),
        (snappy, "BLOCK_BYTES", held),
        (fetcher_seam, "BATCH_BYTES", held),
    ):
        monkeypatch.setattr(where, name, most)
    expected = [(7 + at, value[:1_000]) for at, value in enumerate(values)]

    for came in (
        Fetched(data, offset=7).by_batch(endless([None])),
        Fetched(data, offset=7).by_record(endless([None])),
    ):
        assert [(row[0], row[2]) for rows, *_ in came for row in rows] == expected


@pytest.mark.parametrize("codec", ["gzip", "lz4"])
@pytest.mark.parametrize("size", [8 * 2**20 + 1, 9 * 2**20, 40 * 2**20])
def test_a_very_long_old_message_is_not_held(codec: str, size: int) -> None:
    """What is kept of it is as long as of any other record."""
    parts = bombs.old_records(size, 2, version=1)
    fetch = Fetched(bombs.old_batch(codec, parts, version=1)).result

    (first,) = fetch.getall(1)

    assert len(first.value) == record_runs.RECORD_BYTES


@given(st.binary(max_size=300), st.integers(1, 40), st.sampled_from([1, 17, 1_000]))
def test_snappy_is_opened_as_the_library_does(data: bytes, times: int, chunk: int) -> None:
    """Element by element where a block is large."""
    whole = data * times + data[::-1]
    packed = memoryview(bytes(cramjam.snappy.compress_raw(whole)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snappy, "BLOCK_BYTES", 0)
        assert b"".join(snappy.open_snappy(packed, chunk)) == whole


@pytest.mark.parametrize(("codec", "harm"), list(product(CODECS, ["cut", "cut short", "more"])))
def test_what_cannot_be_opened_is_corrupt(codec: str, harm: str) -> None:
    """Never a part of a batch, and no other error."""
    packed = batch(codec, records(1_000, 30), 30)[61:]
    harmed = {
        "cut": packed[:-1],
        "cut short": packed[:20],
        "more": packed + b"\x01junk",
    }[harm]

    with pytest.raises(CorruptRecordException):
        list(decompression.opened(CODECS[codec], memoryview(harmed)))


def test_a_batch_says_how_many_records_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer or more, in chunks too, are no batch."""
    monkeypatch.setattr(batch_headers, "WHOLE_BYTES", 100)
    for count in (29, 31):
        data = batch("zstd", records(1_000, 30), count)

        _, error = outcome(Fetched(data).by_batch(endless([None])))

        assert error is CorruptRecordException


@pytest.mark.parametrize("batches", [True, False])
def test_a_fetched_batch_ends_where_enough_is_held(*, batches: bool) -> None:
    """However many records were asked for."""
    data = batch("gzip", records(2**20, 12), 12)
    fetch = Fetched(data).result
    sizes = []
    with as_batches(lambda _: batches):
        while fetch.has_more():
            opened_batch = get(fetch, 10_000)
            sizes.append(len(opened_batch) if opened_batch else 0)

    assert sum(sizes) == 12
    assert max(sizes) <= 5
