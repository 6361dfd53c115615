"""Joins the ranges of a partition, and decides which of those that overlap count.

1. A writer's range starts where its writer went on: at the end of its own last range, or at the
   end of the ledger when the partition was assigned to it. So each true range is reached from the
   first one by ranges that join exactly, whatever was written late.
2. A worker that was paused past its session may write a range late. It then overlaps ranges of a
   higher generation. Each offset counts by the chain that joins exactly and, where there are
   several, takes the range of the highest generation; the other range is *late* and does no harm.
3. A range that no chain reaches, or that overlaps within one generation, was not written by a
   worker that kept the order: it is *stray* and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.judge.outcomes import NOTHING, OutcomeCounts, sum_of


class Span(NamedTuple):
    """Offsets of one partition, both ends included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many offsets these are; not every one needs a record."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"


class OffsetRange(NamedTuple):
    """One row of the ledger."""

    first: int
    last: int
    generation: int
    counts: OutcomeCounts

    @property
    def span(self) -> Span:
        """Its offsets."""
        return Span(self.first, self.last)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Ranges that overlap, resolved: `reported` covers them, `late` and `stray` do not count."""

    span: Span
    reported: tuple[OffsetRange, ...] = ()
    late: tuple[OffsetRange, ...] = ()
    stray: tuple[OffsetRange, ...] = ()

    @property
    def counts(self) -> OutcomeCounts:
        """The outcomes that the chain reports."""
        return sum_of(one.counts for one in self.reported)


def resolve(ranges: Sequence[OffsetRange]) -> Cluster:
    """Find the chain through *ranges*, which overlap without a gap; there is at least one."""
    ordered = sorted(ranges)
    start, end = ordered[0].first, max(one.last for one in ordered) + 1
    arrivals = _arrivals(ordered, start)
    reported = _way_back(arrivals, start, end if end in arrivals else max(arrivals))
    rest = [one for one in ordered if one not in reported]
    late = tuple(one for one in rest if one.first in arrivals and not _rivals(one, reported))
    stray = tuple(one for one in rest if one not in late)
    return Cluster(Span(start, end - 1), reported, late, stray)


def _arrivals(ordered: Iterable[OffsetRange], start: int) -> dict[int, list[OffsetRange]]:
    """Each offset a chain from *start* can go on from, and the ranges that may end there."""
    arrivals: dict[int, list[OffsetRange]] = {start: []}
    for one in ordered:
        # Ascending by first offset: whatever can end here has been looked at.
        if one.first in arrivals:
            arrivals.setdefault(one.last + 1, []).append(one)
    return arrivals


def _way_back(
    arrivals: dict[int, list[OffsetRange]], start: int, end: int
) -> tuple[OffsetRange, ...]:
    chain: list[OffsetRange] = []
    while end != start:
        chain.append(max(arrivals[end], key=lambda one: (one.generation, one.first)))
        end = chain[-1].first
    return tuple(reversed(chain))


def _rivals(one: OffsetRange, reported: Iterable[OffsetRange]) -> bool:
    """Whether *one* shares offsets and generation with a range that counts."""
    return any(
        one.generation == other.generation and one.first <= other.last and other.first <= one.last
        for other in reported
    )


class Island(NamedTuple):
    """Ranges or clusters that join without a gap, folded together by the store.

    `counts` leave out clusters, which are resolved separately.
    """

    first: int
    last: int
    ranges: int
    counts: OutcomeCounts


@dataclass(slots=True)
class Chain:
    """A partition's ranges as a whole: where they begin and end, and what lies between islands."""

    first: int
    end: int
    counts: OutcomeCounts = NOTHING
    gaps: list[Span] = field(default_factory=list)
    clusters: list[Cluster] = field(default_factory=list)


def join(islands: Sequence[Island], clusters: Sequence[Cluster], *, start: int, end: int) -> Chain:
    """Join a partition's *islands* between the offsets *start* and *end* (not included).

    Everything in between must be covered: what is not is a gap. The chain ends where its last
    island does, if that is past *end*: a commit may lag behind the ledger and never leads.
    """
    chain = Chain(start, start, clusters=list(clusters))
    for island in sorted(islands):
        if island.first > chain.end:
            chain.gaps.append(Span(chain.end, island.first - 1))
        chain.end = max(chain.end, island.last + 1)
    chain.counts = sum_of([*(one.counts for one in islands), *(one.counts for one in clusters)])
    if chain.end < end:
        chain.gaps.append(Span(chain.end, end - 1))
        chain.end = end
    return chain


def spans(offsets: Iterable[int]) -> list[Span]:
    """Fold *offsets* into spans, ascending."""
    found: list[Span] = []
    for offset in sorted(set(offsets)):
        if found and found[-1].last == offset - 1:
            found[-1] = Span(found[-1].first, offset)
        else:
            found.append(Span(offset, offset))
    return found
