"""Which of the ranges in the ledger count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.ledger import counting
from tests.sinks.overlaps import OVERLAPS, Overlap, entry


@pytest.mark.parametrize("overlap", OVERLAPS.values(), ids=OVERLAPS)
def test_a_late_range_gives_way(overlap: Overlap) -> None:
    """Whatever order the ranges come in."""
    for ranges in (overlap.ranges, overlap.ranges[::-1]):
        assert counting([entry("t", one) for one in ranges]) == [
            entry("t", one) for one in overlap.counting
        ]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12), st.integers(1, 4)), max_size=14))
def test_the_ranges_that_count_are_those_no_later_generation_touches(
    ranges: list[tuple[int, int, int]],
) -> None:
    """The sweep agrees with looking at every pair."""
    entries = [entry("t", (first, first + size, age)) for first, size, age in ranges]
    expected = [
        one
        for one in entries
        if not any(
            two.generation > one.generation and two.first <= one.last and one.first <= two.last
            for two in entries
        )
    ]

    kept = counting(entries)

    assert sorted(kept, key=repr) == sorted(expected, key=repr)
    assert kept == sorted(kept, key=lambda one: (one.first, one.last))
