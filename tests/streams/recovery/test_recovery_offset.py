"""Where a partition goes on after it was taken over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.ledger import LedgerEntry
from streams.fetch.fetched_batch import FetchedBatch, Partition
from streams.recovery import recovery_offset
from streams.recovery.holes import not_held
from streams.recovery.recovery_offset import (
    RecoveryOffset,
    already_stored,
    end_of_chain,
    find_recovery_offset,
)
from tests.sinks.memory import MemoryStore, Row

NOW_MS = 1_800_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def entry(
    first: int,
    last: int,
    appended_ms: int = NOW_MS,
    *,
    generation: int = 1,
    stored: int = 0,
    conflicts: int = 0,
) -> LedgerEntry:
    """A ledger row of a range."""
    return LedgerEntry(
        "t", 0, first, last, stored, 0, conflicts, 0, generation, "", "", appended_ms, appended_ms
    )


def full(first: int, last: int, **more: int) -> LedgerEntry:
    """A ledger row of a range, all of which was stored."""
    return entry(first, last, stored=last - first + 1, **more)


def fetched(
    first: int, last: int, *, follows: int | None = None, appended_ms: int = NOW_MS
) -> FetchedBatch:
    """A fetched batch of neighbouring offsets."""
    count = last - first + 1
    return FetchedBatch(
        Partition("t", 0),
        first if follows is None else follows,
        np.arange(first, last + 1, dtype=np.int64),
        np.full(count, appended_ms, np.int64),
        [b""] * count,
        [()] * count,
    )


class Reader(MemoryStore):
    """A store that has these ranges, rows and conflicts, given by offset and append time."""

    def __init__(
        self,
        ranges: Sequence[LedgerEntry],
        stored: Mapping[int, int],
        conflicts: Mapping[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.hold(ranges, {"x": _rows("_", stored), "conflicts": _rows("", conflicts or {})})


def _rows(prefix: str, times_ms: Mapping[int, int]) -> list[Row]:
    return [
        {
            f"{prefix}topic": "t",
            f"{prefix}partition": 0,
            f"{prefix}offset": offset,
            "_appended_at": EPOCH + timedelta(milliseconds=at_ms),
        }
        for offset, at_ms in times_ms.items()
    ]


async def recovered(
    store: Reader,
    first_batch: FetchedBatch,
    *,
    start_offset: int,
    log_start: int = 0,
    appended: Mapping[int, int] | None = None,
) -> RecoveryOffset:
    """Where to go on with a partition whose records were appended at these times."""

    async def first_after(time_ms: int, before: int) -> int | None:
        times = (appended or {}).items()
        later = [offset for offset, at_ms in times if at_ms > time_ms and offset < before]
        return min(later, default=None)

    return await find_recovery_offset(
        store,
        "x",
        first_batch,
        start_offset=start_offset,
        log_start=log_start,
        first_after=first_after,
    )


async def test_what_the_ledger_has_is_not_done_again() -> None:
    """Ranges that join from the committed offset are passed; rows past them are known."""
    store = Reader([entry(0, 9), entry(10, 14), entry(20, 29)], {15: NOW_MS, 3: NOW_MS})

    found = await recovered(store, fetched(5, 30), start_offset=5)

    assert (found.next_offset, found.base, found.stored) == (15, 15, {15: NOW_MS})
    assert (found.lost, found.other_incarnation) == (None, ())


async def test_a_zombies_late_range_is_no_end_of_the_chain() -> None:
    """The view hides it, so what only it covers is to be covered again."""
    late, new = entry(10, 29, generation=4), entry(10, 19, generation=5)
    rows = dict.fromkeys(range(10, 30), NOW_MS)

    found = await recovered(
        Reader([late, new], rows), fetched(10, 40), start_offset=10, log_start=10
    )

    assert found.next_offset == 20
    assert set(found.stored) == set(range(20, 30))


async def test_a_ledger_of_another_incarnation_of_the_topic_says_nothing() -> None:
    """The topic was recreated: its offsets start again and every record is to be stored."""
    store = Reader([entry(0, 99, NOW_MS - 5000)], {})

    found = await recovered(store, fetched(0, 20), start_offset=0)

    assert found.next_offset == 0
    assert found.other_incarnation == ((0, 99),)


async def test_an_offset_committed_in_another_incarnation_of_the_topic_hides_nothing() -> None:
    """The recreated topic went on past what was committed of the old one."""
    old, rows = [entry(0, 49, NOW_MS - 5000)], {3: NOW_MS, 60: NOW_MS}
    here = fetched(50, 99)

    found = await recovered(
        Reader(old, rows), here, start_offset=50, appended=dict.fromkeys(range(100), NOW_MS)
    )

    assert (found.next_offset, found.base, found.stored) == (0, 0, rows)
    assert found.other_incarnation == ((0, 49),)


async def test_a_tail_lost_and_written_over_past_the_commit_is_read() -> None:
    """The broker lost 40 to 49 in a power cut; other records are there now, and more."""
    ranges = [entry(0, 39, NOW_MS - 9000), entry(40, 49, NOW_MS - 5000)]
    times = {**dict.fromkeys(range(40), NOW_MS - 9000), **dict.fromkeys(range(40, 60), NOW_MS)}

    found = await recovered(Reader(ranges, {}), fetched(50, 59), start_offset=50, appended=times)

    assert found.next_offset == 40


async def test_a_range_of_which_only_the_end_was_lost_is_done_again_as_a_whole() -> None:
    """What covers 45 to 49 hides it in the ledger; its other rows are in the store."""
    ranges = [entry(0, 39, NOW_MS - 9000), entry(40, 49, NOW_MS - 5000)]
    times = {**dict.fromkeys(range(45), NOW_MS - 9000), **dict.fromkeys(range(45, 60), NOW_MS)}
    rows = dict.fromkeys(range(40, 50), NOW_MS - 9000)

    found = await recovered(Reader(ranges, rows), fetched(50, 59), start_offset=50, appended=times)

    assert (found.next_offset, found.base, found.stored) == (40, 40, rows)
    assert found.other_incarnation == ((45, 49),)


ROWS = range(60)


@pytest.mark.parametrize(
    ("ledger", "rows", "log_start", "goes_on", "again"),
    [
        # All is there: nothing is done again.
        ([(0, 19), (20, 49), (50, 59)], ROWS, 0, 60, None),
        # The ledger ends before what was committed.
        ([(0, 19), (20, 39)], range(40), 0, 40, (40, 49)),
        # There is no ledger and no row: the store is new, and the group is not.
        ([], [], 0, 0, (0, 49)),
        ([], [], 17, 17, (17, 49)),
        # The ledger is ahead of the rows, at its end or within.
        ([(0, 19), (20, 49), (50, 59)], range(50), 0, 50, None),
        ([(0, 19), (20, 49), (50, 59)], range(30), 0, 20, (20, 49)),
        ([(0, 19), (20, 49), (50, 59)], [*range(25), *range(26, 60)], 0, 20, (20, 49)),
        ([(0, 19), (20, 49)], [*range(19), *range(20, 60)], 0, 0, (0, 49)),
        # Both.
        ([(0, 19), (20, 39)], range(20), 0, 20, (20, 49)),
        # Ranges of the ledger are missing between others.
        ([(0, 19), (40, 49)], ROWS, 0, 20, (20, 49)),
        # Kafka has a part of it, or nothing.
        ([(0, 19), (20, 49)], range(10), 30, 30, (30, 49)),
        ([(0, 19), (20, 49)], range(10, 60), 30, 50, None),
        # What retention took once stays a hole.
        ([(0, 19), (40, 49)], [*range(20), *range(40, 60)], 40, 50, None),
    ],
)
async def test_what_was_committed_and_is_not_in_the_store_is_stored_again(
    ledger: list[tuple[int, int]],
    rows: Sequence[int],
    log_start: int,
    goes_on: int,
    again: tuple[int, int] | None,
) -> None:
    """From Kafka, as far as it still has the records; 50 was committed."""
    store = Reader([full(*one) for one in ledger], dict.fromkeys(rows, NOW_MS))

    found = await recovered(store, fetched(50, 70), start_offset=50, log_start=log_start)

    assert (found.next_offset, found.base, found.again) == (goes_on, goes_on, again)
    assert found.stored == {at: NOW_MS for at in rows if at >= goes_on}


@pytest.mark.parametrize(
    ("rows", "conflicts", "goes_on"),
    [
        # All is there.
        (range(40), range(40, 50), 50),
        # All conflicts are missing, or one of each range, or of the last.
        (range(40), (), 0),
        (range(40), [*range(40, 44), *range(45, 49)], 0),
        (range(40), range(40, 49), 20),
        # Rows and conflicts.
        (range(39), range(40, 49), 0),
        # A conflict does not stand for a row, nor a row for a conflict.
        ([*range(39), 49], range(39, 49), 0),
        # More conflicts than the ledger says are no fault here.
        (range(40), range(39, 50), 50),
    ],
)
async def test_conflicts_that_are_missing_are_noted_again(
    rows: Sequence[int], conflicts: Sequence[int], goes_on: int
) -> None:
    """Of two ranges, 0 to 44 with 40 rows and five conflicts and 45 to 49, all of it conflicts."""
    ledger = [entry(0, 44, stored=40, conflicts=5), entry(45, 49, conflicts=5)]
    ledger = (
        ledger
        if goes_on != 20
        else [entry(0, 19, stored=20), entry(20, 49, stored=20, conflicts=10)]
    )
    store = Reader(ledger, dict.fromkeys(rows, NOW_MS), dict.fromkeys(conflicts, NOW_MS))

    found = await recovered(store, fetched(50, 70), start_offset=50)

    assert found.next_offset == goes_on
    assert found.again == (None if goes_on == 50 else (goes_on, 49))


async def test_a_conflict_of_another_incarnation_of_the_topic_is_none_of_this_one() -> None:
    """Its offset is the same, and it was appended at another time."""
    store = Reader([entry(0, 9, conflicts=1)], {}, {4: NOW_MS - 5000})

    found = await recovered(store, fetched(10, 20), start_offset=10)

    assert found.next_offset == 0


async def test_conflicts_are_looked_for_only_where_there_are_any() -> None:
    """Most ranges have none: the look back costs no second read."""
    asked: list[str] = []

    class Counting(Reader):
        async def stored_offsets(self, table: str, *given: Any, **more: Any) -> dict[int, int]:
            asked.append(table)
            return await super().stored_offsets(table, *given, **more)

    await recovered(
        Counting([full(0, 9)], dict.fromkeys(range(10), NOW_MS)), fetched(10, 20), start_offset=10
    )

    assert asked
    assert "conflicts" not in asked


async def test_what_is_missing_and_no_longer_in_kafka_is_named() -> None:
    """It cannot be restored; work goes on after it."""
    store = Reader([full(0, 9), full(10, 19), full(20, 49)], dict.fromkeys(range(20, 50), NOW_MS))

    found = await recovered(store, fetched(50, 70), start_offset=50, log_start=20)

    assert (found.next_offset, found.again) == (50, None)
    assert found.missing == ((0, 9), (10, 19))


async def test_what_is_stored_again_is_of_a_later_generation() -> None:
    """The ranges that it stands for would hide it, or rival it."""
    store = Reader([full(0, 9, generation=3), full(10, 49, generation=7)], {})

    found = await recovered(store, fetched(50, 70), start_offset=50)

    assert (found.next_offset, found.generation) == (0, 8)


async def test_a_hole_is_followed_back_as_far_as_it_reaches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Little is looked at where nothing is missing, so that the cost does not grow."""
    monkeypatch.setattr(recovery_offset, "LOOK_BACK_OFFSETS", 10)
    ranges = [full(first, first + 9) for first in range(0, 1000, 10)]
    rows = dict.fromkeys(range(300), NOW_MS)

    found = await recovered(Reader(ranges, rows), fetched(1000, 1009), start_offset=1000)

    assert (found.next_offset, found.again) == (300, (300, 999))


async def test_dead_letters_that_are_one_row_are_not_missing() -> None:
    """One that was written twice, as after a crash, is two records."""
    dead_letters = [full(0, 9), full(10, 19)]

    assert not_held(dead_letters, {3: NOW_MS}, "rejected") == [dead_letters[1]]


async def test_a_tail_that_the_broker_lost_is_written_over() -> None:
    """After a power cut offsets 8 and 9 are other records than the ledger knows."""
    store = Reader([entry(0, 4), entry(5, 9, NOW_MS)], {})
    new = fetched(5, 12, appended_ms=NOW_MS)
    times = new.appended_ms.copy()
    times[3:] = NOW_MS + 1000

    found = await recovered(
        store,
        FetchedBatch(new.partition, 5, new.offsets, times, new.values, new.headers),
        start_offset=5,
    )

    assert found.next_offset == 5
    assert found.other_incarnation == ((5, 9),)


async def test_records_that_retention_deleted_are_named() -> None:
    """The log begins past what was stored: the hole stays visible in the ledger."""
    store = Reader([entry(0, 9)], {})

    found = await recovered(store, fetched(50, 60, follows=10), start_offset=10, log_start=50)

    assert (found.lost, found.next_offset, found.base) == ((10, 49), 50, 50)


def test_a_row_counts_as_stored_only_with_its_own_append_time() -> None:
    """An offset alone does not name a record for good."""
    offsets, times = np.asarray([1, 2, 3]), np.asarray([10, 20, 30])

    assert already_stored(offsets, times, {1: 10, 2: 99}).tolist() == [True, False, False]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=12), st.integers(0, 60))
def test_the_chain_ends_at_the_first_offset_nobody_covered(
    ranges: list[tuple[int, int]], committed: int
) -> None:
    """However ranges overlap, what is passed over is covered, and what follows is not."""
    entries = [entry(first, first + length) for first, length in ranges]
    covered = {offset for one in entries for offset in range(one.first, one.last + 1)}

    end = end_of_chain(committed, entries)

    assert set(range(committed, end)) <= covered
    assert end not in covered


@pytest.mark.parametrize("times", [0, 1, 3_600_000], ids=["same", "later", "clock set back"])
async def test_ranges_of_another_incarnation_say_nothing(times: int) -> None:
    """Whatever their times are: a broker's clock may have been set back meanwhile."""
    other = replace(entry(0, 9, NOW_MS + times), incarnation="other")
    mine = replace(entry(0, 3), incarnation="mine")
    old = entry(4, 4)
    here = replace(fetched(0, 9), incarnation="mine")

    found = await recovered(Reader([mine, old, other], {}), here, start_offset=0)

    assert (found.next_offset, found.base) == (5, 5)
    assert found.other_incarnation == ((0, 9),)
