"""Where does a newly assigned partition go on? After what the store has past the commit.

Committed offsets lag behind what is stored. Before the first insert for a partition the store is
asked: the ledger tells the ranges that are complete, and of the one insert that may have been
made without its ledger row the offsets are read back. The cost is bounded by what can be in
doubt, not by the size of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from streams.slices import Slice

# Append times of one partition ascend, but a broker's clock may be set back a little.
_CLOCK_SLACK = timedelta(minutes=10)


class LedgerRange(Protocol):
    """A stored range, as the ledger tells it."""

    @property
    def first(self) -> int:
        """First offset covered."""

    @property
    def last(self) -> int:
        """Last offset covered."""


class StoreReader(Protocol):
    """What is asked of the store."""

    async def ledger_ranges(
        self, topic: str, partition: int, *, at_or_past: int
    ) -> Sequence[LedgerRange]:
        """Ranges of the ledger that end at or past an offset, ascending."""

    async def stored_offsets(
        self, table: str, topic: str, partition: int, *, first: int, since: datetime
    ) -> set[int]:
        """Offsets at or past *first* whose rows were appended at or after *since*."""


@dataclass(slots=True)
class Resume:
    """Where to go on with a partition.

    `next_offset`: the first offset to judge. `base`: where the next ledger range begins.
    `stored`: offsets at or past it whose rows are in the store without a ledger row.
    """

    next_offset: int
    base: int
    stored: set[int]


def end_of_chain(committed: int, ranges: Sequence[LedgerRange]) -> int:
    """The first offset that is not covered by ranges joining without a gap from *committed*."""
    end = committed
    for entry in sorted(ranges, key=lambda entry: (entry.first, entry.last)):
        if entry.first > end:
            break
        end = max(end, entry.last + 1)
    return end


async def find_resume(
    store: StoreReader, table: str, piece: Slice, *, committed: int | None
) -> Resume:
    """Ask *store* where to go on with the partition of *piece*, its first slice.

    *committed* is the group's committed offset, None when there is none yet.
    """
    topic, number = piece.partition
    start = piece.follows if committed is None else min(committed, piece.follows)
    ranges = await store.ledger_ranges(topic, number, at_or_past=start)
    following = end_of_chain(start, ranges)
    since = datetime.fromtimestamp(int(piece.appended_ms[0]) / 1000, UTC) - _CLOCK_SLACK
    stored = await store.stored_offsets(table, topic, number, first=following, since=since)
    return Resume(following, following, stored)
