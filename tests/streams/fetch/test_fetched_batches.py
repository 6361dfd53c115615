"""A fetched batch holds what aiokafka itself gives record by record."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.fetch import fetcher_seam
from streams.fetch.fetcher_seam import as_batches
from tests.streams.fetch.any_fetch import MANY, fetches
from tests.streams.fetch.fetched import Fetched, endless
from tests.streams.fetch.kafka_batches import (
    ABORT,
    COMMIT,
    Headers,
    Made,
    Record,
    marker,
    old_batch,
)

pytestmark = pytest.mark.usefixtures("batches_installed")

LIMITS = st.lists(st.sampled_from([1, 2, 3, 39, 40, 41, 1_000, None]), min_size=1, max_size=4)


@MANY
@given(fetches(), LIMITS)
def test_any_fetch_is_read_as_aiokafka_reads_it(
    fetch: tuple[bytes, int, list[tuple[int, int]]], limits: list[int | None]
) -> None:
    """The same records, cut at the same places, and the next fetch begins at the same offset."""
    data, offset, aborted = fetch
    expected = Fetched(data, offset=offset, aborted=aborted, own=True).by_record(endless(limits))

    assert list(Fetched(data, offset=offset, aborted=aborted).by_batch(endless(limits))) == list(
        expected
    )


@MANY
@given(fetches(), LIMITS)
def test_consumers_of_records_read_as_from_aiokafka(
    fetch: tuple[bytes, int, list[tuple[int, int]]], limits: list[int | None]
) -> None:
    """The same records, each field of each, at the same positions."""
    data, offset, aborted = fetch
    one = Fetched(data, offset=offset, aborted=aborted)
    own = Fetched(data, offset=offset, aborted=aborted, own=True)

    for limit, _ in zip(endless(limits), range(1_000), strict=False):
        if not own.result.has_more():
            break
        assert one.result.getall(limit) == own.result.getall(limit)
        assert (one.state.position, one.result.has_more()) == (
            own.state.position,
            own.result.has_more(),
        )

    assert not one.result.has_more()


@MANY
@given(fetches(), LIMITS, st.sampled_from([1, 2_000]))
def test_it_does_not_matter_how_much_is_decoded_at_once(
    fetch: tuple[bytes, int, list[tuple[int, int]]], limits: list[int | None], portion: int
) -> None:
    """Portions bound memory and nothing else."""
    data, offset, aborted = fetch
    expected = list(Fetched(data, offset=offset, aborted=aborted).by_batch(endless(limits)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetcher_seam, "PORTION_BYTES", portion)
        assert expected == list(
            Fetched(data, offset=offset, aborted=aborted).by_batch(endless(limits))
        )


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("codec", [0, 1, 2])
@pytest.mark.parametrize("limit", [2, None])
def test_old_formats_are_read_as_aiokafka_reads_them(
    version: int, codec: int, limit: int | None
) -> None:
    """A topic may be older than its broker; format 0 has no times, for which Kafka writes -1."""
    data = old_batch(5, [b"a", b"b", b"c"], version=version, codec=codec)
    expected = [
        ([(offset, -1 if ms is None else ms, *rest) for offset, ms, *rest in rows], position, more)
        for rows, position, more in Fetched(data, offset=6, own=True).by_record(endless([limit]))
    ]

    assert list(Fetched(data, offset=6).by_batch(endless([limit]))) == expected
    assert list(Fetched(data, offset=6).by_record(endless([limit]))) == expected


def test_formats_may_follow_each_other() -> None:
    """Aiokafka takes all batches of a fetch for the format of its first."""
    new = Made(3, [Record(0, b"d")], 0).to_bytes()
    data = old_batch(0, [b"a", b"b", b"c"], version=1) + new

    ((rows, position, more),) = Fetched(data).by_batch(endless([None]))

    assert [(row[0], row[2]) for row in rows] == list(enumerate([b"a", b"b", b"c", b"d"]))
    assert (position, more) == (4, False)


def test_what_a_transaction_took_back_is_left_out() -> None:
    """It counts as never sent; the next fetch begins after the marker all the same."""
    made = [
        Made(0, [Record(0)], 0, producer=7, transactional=True),
        Made(1, [Record(0)], 0, producer=8, transactional=True),
        marker(2, 7, kind=ABORT),
        marker(3, 8, kind=COMMIT),
        Made(4, [Record(0)], 0, producer=7, transactional=True),
    ]
    data = b"".join(one.to_bytes() for one in made)

    ((rows, position, _),) = Fetched(data, aborted=[(7, 0)]).by_batch(endless([None]))

    assert ([row[0] for row in rows], position) == ([1, 4], 5)


@pytest.mark.parametrize("kinds", ["r", "m", "rm", "mr", "rmm", "ar", "ra", "a"])
def test_a_fetched_batch_has_the_append_time_of_its_last_offset(kinds: str) -> None:
    """Of a marker and an aborted record too: the ledger distinguishes two topics by such times."""
    made = [
        Made(at, [Record(0, ms=at)], 0, producer=8, transactional=True, max_ms=1_000 + at)
        if kind == "r"
        else Made(at, [Record(0)], 0, producer=7, transactional=True, max_ms=1_000 + at)
        if kind == "a"
        else replace(marker(at, 7, kind=COMMIT), max_ms=1_000 + at)
        for at, kind in enumerate(kinds)
    ]
    data = b"".join(one.to_bytes() for one in made)

    with as_batches(lambda _: True):
        batch = Fetched(data, aborted=[(7, 0)]).result.getall()

    assert (batch.follows, batch.end) == (0, len(kinds))
    assert batch.span_ms[1] == 1_000 + len(kinds) - 1


def test_records_of_one_request_share_their_headers() -> None:
    """Nobody downstream needs to compare or decode them again."""
    headers: Headers = [("tenant", b"acme")]
    one, two = (Made(base, [Record(0, headers=headers)], 0) for base in (0, 1))

    with as_batches(lambda _: True):
        batch = Fetched(one.to_bytes() + two.to_bytes()).result.getall()

    assert batch.headers[0] is batch.headers[1]


def test_what_was_taken_is_freed_at_once() -> None:
    """Fetches are large: a loaded worker would hold many if only the collector freed them."""
    fetched = Fetched(Made(0, [Record(0)], 0).to_bytes())
    records = weakref.ref(fetched.result._partition_records)
    gc.disable()
    try:
        with as_batches(lambda _: True):
            fetched.result.getall()

        assert records() is None
    finally:
        gc.enable()
