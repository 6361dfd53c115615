"""Finds the recovery offset: where a newly assigned partition goes on after the committed offset.

Committed offsets lag behind what is stored. Before the first insert for a partition the store is
read: the ledger names the ranges that are complete, and the offsets of the one insert that may lack
its ledger row are read back. The cost is bounded by what can be in doubt, not by the size of the
table.

Committed offsets never lead: if they do, the store knows less than it once did (a restored
backup), or they were committed for a topic that had this name before, and work begins where its
ledger ends, or where rows of it are missing (streams/recovery/holes.py).

An offset names a record only within one incarnation of its topic, which Kafka's topic id names:
offsets start again when a topic is recreated. They also go back when a broker loses its end in a
power cut, and rows of an older version do not name the incarnation. There append times decide, for
they ascend: what the ledger covers was appended before anything that came later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from sinks.ledger import LedgerEntry, counting
from streams.fetch.fetched_batch import FetchedBatch
from streams.recovery.holes import (
    LOOK_BACK_OFFSETS,
    RowFinder,
    first_gap,
    searched_since,
    short_ranges,
)

# For how many offsets past the recovery offset stored rows are read. Rows further on, possible only
# after a hole far back, are stored once more, and shown once.
KNOWN_OFFSETS: Final = 1_000_000


class StoreReader(RowFinder, Protocol):
    """The part of the store that is needed here."""

    async def ledger_ranges(
        self, topic: str, partition: int, *, at_or_past: int
    ) -> Sequence[LedgerEntry]:
        """Ranges of the ledger that end at or past an offset, ascending."""

    async def ledger_end(
        self, topic: str, partition: int, *, before: int, incarnation: str = ""
    ) -> int | None:
        """The first offset past the ranges that begin before an offset; None without any."""

    async def appended_until(self, topic: str, partition: int, *, before: int) -> int | None:
        """The latest append time of what the ledger has before an offset, in milliseconds.

        None unless it has the offset right before it.
        """


@dataclass(slots=True)
class RecoveryOffset:
    """Where to go on with a partition.

    `next_offset`: the first offset to judge. `base`: where the next ledger range begins. `stored`:
    offsets at or past it whose rows are in the store without a ledger row, with their append times
    in milliseconds. `lost`: offsets, both ends included, that the broker no longer has although
    nobody stored them. `other_incarnation`: ledger ranges that are about other records at these
    offsets. `again`: offsets that were committed, whose records are stored again as they are
    missing. `missing`: offsets whose rows are missing and whose records Kafka no longer has.
    `generation`: the lowest under which to write, so that the new ledger rows count.
    """

    next_offset: int
    base: int
    stored: dict[int, int]
    lost: tuple[int, int] | None = None
    other_incarnation: tuple[tuple[int, int], ...] = ()
    again: tuple[int, int] | None = None
    missing: tuple[tuple[int, int], ...] = ()
    generation: int = 0


def end_of_chain(committed: int, ranges: Sequence[LedgerEntry]) -> int:
    """The first offset that is not covered by ranges joining without a gap from *committed*."""
    end = committed
    for entry in sorted(ranges, key=lambda entry: (entry.first, entry.last)):
        if entry.first > end:
            break
        end = max(end, entry.last + 1)
    return end


def of_this_incarnation(ranges: Sequence[LedgerEntry], fetched: FetchedBatch) -> list[LedgerEntry]:
    """The ranges that can be about the records of *fetched*.

    Those of another incarnation of the topic do not. A range that covers a record ends no earlier
    than the record was appended, unless it is about another record at that offset. Where *fetched*
    has no records, its last record batch stands for one: a range has the times of all that it
    covers.
    """
    offsets, times = fetched.offsets, fetched.appended_ms
    if not len(fetched):
        offsets, times = np.asarray([fetched.end - 1]), np.asarray([fetched.latest_ms])
    last_within = np.searchsorted(offsets, [entry.last for entry in ranges], side="right") - 1
    return [
        entry
        for entry, at in zip(ranges, last_within.tolist(), strict=True)
        if may_be_of(entry.incarnation, fetched.incarnation)
        and (at < 0 or entry.last_appended_ms >= int(times[at]))
    ]


def may_be_of(one: str, other: str) -> bool:
    """Whether two incarnations may be the same: one that is not known may be any."""
    return one == other or not one or not other


async def find_recovery_offset(  # noqa: PLR0913 - what the group, the broker and the store know
    store: StoreReader,
    table: str,
    fetched: FetchedBatch,
    *,
    start_offset: int,
    log_start: int = 0,
    first_after: Callable[[int, int], Awaitable[int | None]],
) -> RecoveryOffset:
    """Find in *store* where to go on with the partition of *fetched*, its first fetched batch.

    *start_offset* is the group's committed offset or, when there is none yet, the first offset that
    the partition still has: what lies before *fetched* and was never stored is not skipped.
    *log_start* is the first offset that the broker still has. *first_after* finds the first offset
    that was appended after a time in milliseconds and lies before another, None without any.

    The result may lie before *fetched*: the records between are to be fetched first.
    """
    topic, number = fetched.partition
    committed = min(start_offset, fetched.follows)
    start = await _end_of_ledger(store, fetched, committed, log_start)
    known_until = await store.appended_until(topic, number, before=start)
    if known_until is not None:
        others_from = await first_after(known_until, start)
        if others_from is not None:
            return await _start_again(
                store, table, fetched, others_from=others_from, start=start, known_until=known_until
            )
    found = await _what_is_done(store, table, fetched, start=start, log_start=log_start)
    following = max(found.end, log_start)
    since = searched_since(min(fetched.span_ms[0], found.since_ms))
    stored = await store.stored_offsets(
        table,
        topic,
        number,
        first=following,
        since=since,
        last=following + KNOWN_OFFSETS,
        incarnation=fetched.incarnation,
    )
    return RecoveryOffset(
        following,
        following,
        stored,
        (found.end, log_start - 1) if found.end < log_start else None,
        found.others,
        (following, committed - 1) if following < committed else None,
        found.missing,
        found.generation,
    )


async def _end_of_ledger(
    store: StoreReader, fetched: FetchedBatch, committed: int, log_start: int
) -> int:
    """The committed offset, or where the ledger ends, if that is before it.

    Nothing is committed before it is in the ledger. Without any ledger everything that the broker
    still has is to be stored.
    """
    end = await store.ledger_end(
        *fetched.partition, before=committed, incarnation=fetched.incarnation
    )
    return min(committed, log_start if end is None else end)


@dataclass(frozen=True, slots=True)
class _Done:
    """What ledger and rows agree on: all before `end`."""

    end: int
    since_ms: int
    others: tuple[tuple[int, int], ...]
    missing: tuple[tuple[int, int], ...] = ()
    generation: int = 0


async def _what_is_done(
    store: StoreReader, table: str, fetched: FetchedBatch, *, start: int, log_start: int
) -> _Done:
    """How far ranges join whose rows are in the store, checked from a little before *start*."""
    look_back = LOOK_BACK_OFFSETS
    while True:
        look_from = max(0, start - look_back)
        ranges = await store.ledger_ranges(*fetched.partition, at_or_past=look_from)
        mine = of_this_incarnation(ranges, fetched)
        # What only a late range covers is judged again; its rows are found by their offsets.
        shown = counting(mine)
        end = end_of_chain(start, shown)
        looked_at = [entry for entry in shown if entry.first < end]
        short = await short_ranges(
            store, table, fetched.partition, looked_at, incarnation=fetched.incarnation
        )
        if not short or look_from == 0 or short[0] is not looked_at[0]:
            break
        # What is missing may begin further back.
        look_back *= 4
    others = {
        (entry.first, entry.last) for entry in ranges if entry.last >= start and entry not in mine
    }
    holes = [max(entry.first, log_start) for entry in short if entry.last >= log_start]
    gap = first_gap(looked_at, log_start=log_start)
    hole = min([*holes, end if gap is None else gap], default=end)
    again = [entry for entry in shown if entry.last >= hole]
    return _Done(
        min(hole, end),
        min([fetched.span_ms[0], *(entry.first_appended_ms for entry in again)]),
        tuple(sorted(others)),
        tuple((entry.first, entry.last) for entry in short if entry.last < log_start),
        max((entry.generation + 1 for entry in again), default=0),
    )


async def _start_again(  # noqa: PLR0913 - what find_recovery_offset knows
    store: StoreReader,
    table: str,
    fetched: FetchedBatch,
    *,
    others_from: int,
    start: int,
    known_until: int,
) -> RecoveryOffset:
    """Where to go on when the records from *others_from* to *start* are not those in the ledger.

    A range that spans *others_from* is done again as a whole: a range that covers only some of its
    offsets would hide it.
    """
    ranges = await store.ledger_ranges(*fetched.partition, at_or_past=others_from)
    cut = [
        entry
        for entry in ranges
        if entry.first < others_from and may_be_of(entry.incarnation, fetched.incarnation)
    ]
    following = min([others_from, *(entry.first for entry in cut)])
    since = searched_since(min([known_until, *(entry.first_appended_ms for entry in cut)]))
    stored = await store.stored_offsets(
        table, *fetched.partition, first=following, since=since, incarnation=fetched.incarnation
    )
    return RecoveryOffset(
        following, following, stored, other_incarnation=((others_from, start - 1),)
    )


def already_stored(
    offsets: npt.NDArray[np.int64], appended_ms: npt.NDArray[np.int64], stored: Mapping[int, int]
) -> npt.NDArray[np.bool_]:
    """Which of these records have their row: same offset and same append time."""
    if not stored:
        return np.zeros(len(offsets), np.bool_)
    times = [stored.get(offset) for offset in offsets.tolist()]
    return np.asarray([at == time for at, time in zip(appended_ms.tolist(), times, strict=True)])
