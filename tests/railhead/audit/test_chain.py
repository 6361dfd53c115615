"""The chain of ranges that overlap, join, or do not."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railhead.audit.chain import Island, OffsetRange, Span, join, resolve, spans
from streams.judge.outcomes import OutcomeCounts
from tests.sinks.overlaps import OVERLAPS, Overlap


def reported(first: int, last: int, generation: int = 1) -> OffsetRange:
    """A range whose records were all stored."""
    return OffsetRange(first, last, generation, OutcomeCounts(stored=last - first + 1))


def test_a_late_range_of_a_lower_generation_gives_way() -> None:
    """A paused worker's range is late; the ranges of the new owner count."""
    late, first, second = reported(10, 29, 4), reported(10, 19, 5), reported(20, 39, 5)

    cluster = resolve([late, first, second])

    assert cluster.reported == (first, second)
    assert cluster.late == (late,)
    assert cluster.stray == ()
    assert cluster.span == Span(10, 39)
    assert cluster.counts == OutcomeCounts(stored=30)


def test_a_late_range_that_alone_reaches_the_end_counts() -> None:
    """The new owner died within the late range, and its successor went on behind it."""
    late, stub, successor = reported(10, 29, 4), reported(10, 19, 5), reported(30, 39, 6)

    cluster = resolve([late, stub])
    islands = [Island(0, 9, 1, OutcomeCounts(10)), Island(10, 29, 2, OutcomeCounts())]
    chain = join(islands, [cluster], start=0, end=30)

    assert cluster.reported == (late,)
    assert cluster.late == (stub,)
    assert chain.gaps == []
    assert chain.counts == OutcomeCounts(stored=30)
    assert chain.end == successor.first


def test_a_range_that_joins_nothing_is_stray() -> None:
    """Nobody who kept the order could have written it."""
    stray = reported(5, 14, 9)

    cluster = resolve([reported(0, 9), reported(10, 19), stray])

    assert cluster.stray == (stray,)
    assert cluster.counts == OutcomeCounts(stored=20)


def test_two_ranges_of_one_generation_at_the_same_offset_do_not_both_count() -> None:
    """One generation has one writer, and it writes an offset once."""
    cluster = resolve([reported(0, 9), reported(0, 4)])

    assert cluster.reported == (reported(0, 9),)
    assert cluster.stray == (reported(0, 4),)


def test_what_lies_between_islands_is_a_gap() -> None:
    """So is what lies between the last island and what is committed."""
    islands = [Island(20, 29, 1, OutcomeCounts(10)), Island(0, 9, 1, OutcomeCounts(10))]

    chain = join(islands, [], start=0, end=33)

    assert chain.gaps == [Span(10, 19), Span(30, 32)]
    assert chain.end == 33


def test_a_commit_may_lag_behind_the_ledger() -> None:
    """The chain then ends where the ledger does."""
    chain = join([Island(0, 9, 1, OutcomeCounts(10))], [], start=0, end=4)

    assert (chain.end, chain.gaps) == (10, [])


def test_an_empty_ledger_has_an_empty_chain() -> None:
    """Nothing written and nothing committed is no gap."""
    chain = join([], [], start=7, end=7)

    assert (chain.first, chain.end, chain.gaps) == (7, 7, [])


@given(st.sets(st.integers(0, 60)))
def test_spans_hold_exactly_the_offsets(offsets: set[int]) -> None:
    """Folding loses nothing, adds nothing, and folds as far as can be."""
    folded = spans(offsets)

    assert [at for span in folded for at in range(span.first, span.last + 1)] == sorted(offsets)
    assert all(one.last + 1 < other.first for one, other in pairwise(folded))


class World:
    """Workers that follow the rule of recovery, some of them paused before they write a range."""

    def __init__(self) -> None:
        self.ledger: list[OffsetRange] = []
        self.late: list[OffsetRange] = []
        self.generation = 0

    def live(self, sizes: list[int], *, paused_at: int) -> None:
        """One owner: starts where the ledger ends, writes ranges, and may stay paused."""
        self.generation += 1
        at = max((one.last + 1 for one in self.ledger), default=0)
        for number, size in enumerate(sizes):
            one = reported(at, at + size - 1, self.generation)
            (self.late if number >= paused_at else self.ledger).append(one)
            at += size

    def wake(self, count: int) -> None:
        """Paused owners write what they held, oldest first."""
        self.ledger += self.late[:count]
        del self.late[:count]


schedules = st.lists(
    st.tuples(
        st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 4), st.integers(0, 3)
    ),
    min_size=1,
    max_size=6,
)


def clusters_of(ranges: list[OffsetRange]) -> list[list[OffsetRange]]:
    """Ranges grouped as the store does: a new group where nothing before reaches."""
    groups: list[list[OffsetRange]] = []
    reached = -1
    for one in sorted(ranges):
        if not groups or one.first > reached:
            groups.append([])
        groups[-1].append(one)
        reached = max(reached, one.last)
    return groups


@pytest.mark.parametrize("overlap", OVERLAPS.values(), ids=OVERLAPS)
def test_the_chain_is_what_counts_where_that_joins(overlap: Overlap) -> None:
    """It differs from the view only where what counts leaves a gap."""
    for group in clusters_of([reported(*one) for one in overlap.ranges]):
        cluster = resolve(group)
        spans_of_it = [one for one in overlap.counting if reported(*one) in group]
        if sum(last - first + 1 for first, last, _ in spans_of_it) == cluster.span.size:
            assert list(cluster.reported) == [reported(*one) for one in spans_of_it]


@given(schedules)
def test_whatever_is_written_late_each_offset_counts_once(
    schedule: list[tuple[list[int], int, int]],
) -> None:
    """Workers that start at the end of the ledger never make a gap or a stray range.

    Only the first of a worker's ranges are written late: it writes them in order.
    """
    world = World()
    for sizes, paused_at, woken in schedule:
        world.live(sizes, paused_at=paused_at)
        world.wake(min(woken, front(world)))

    clusters = [resolve(group) for group in clusters_of(world.ledger)]

    end = 0
    for cluster in clusters:
        assert cluster.stray == ()
        assert cluster.span.first == end
        assert cluster.counts.records == cluster.span.size
        end = cluster.span.last + 1


def front(world: World) -> int:
    """How many of the late ranges belong to the worker that was paused first."""
    generations = [one.generation for one in world.late]
    return generations.count(generations[0]) if generations else 0


@given(schedules, st.data())
def test_a_range_taken_out_of_the_ledger_is_missed(
    schedule: list[tuple[list[int], int, int]], data: st.DataObject
) -> None:
    """Where no late range has the same offsets, removing a range leaves a gap."""
    world = World()
    for sizes, _, _ in schedule:
        world.live(sizes, paused_at=len(sizes))
    removed = data.draw(st.sampled_from(world.ledger))
    left = [one for one in world.ledger if one != removed]
    end = max(one.last for one in world.ledger) + 1

    islands = [Island(one.first, one.last, 1, one.counts) for one in left]
    chain = join(islands, [], start=0, end=end)

    assert chain.gaps == [removed.span]
