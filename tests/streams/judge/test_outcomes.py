"""Stored, duplicate or conflict: the decision by where the first occurrence was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from streams.dedup.index import DedupIndex
from streams.judge.outcomes import Candidates, Outcome, decide

WINDOW_MS = 10_000


def candidates(
    ids: list[int], *, first_offset: int, at_ms: int = 0, content: int = 1
) -> Candidates:
    """Records with *ids* at neighbouring offsets."""
    high = np.asarray(ids, np.uint64)
    count = len(ids)
    return Candidates(
        high,
        high,
        np.arange(first_offset, first_offset + count, dtype=np.int64),
        np.full(count, at_ms, np.int64),
        np.full(count, content, np.uint32),
    )


def outcomes(dedup_index: DedupIndex, records: Candidates) -> list[Outcome]:
    """Decide, remember, and return the outcomes."""
    decision = decide(records, dedup_index)
    if decision.new_ids is not None:
        dedup_index.add(decision.new_ids)
    return [Outcome(outcome) for outcome in decision.outcomes.tolist()]


def test_the_first_of_an_id_is_stored_and_a_repeat_elsewhere_is_not() -> None:
    """An id seen at another offset is a repeat."""
    dedup_index = DedupIndex(WINDOW_MS)

    assert outcomes(dedup_index, candidates([1, 2], first_offset=0)) == [
        Outcome.STORED,
        Outcome.STORED,
    ]
    assert outcomes(dedup_index, candidates([2, 3], first_offset=2)) == [
        Outcome.DUPLICATE,
        Outcome.STORED,
    ]


def test_the_same_record_again_is_a_first_occurrence_again() -> None:
    """A replay after a crash finds its own id; dropping it would lose the event."""
    dedup_index = DedupIndex(WINDOW_MS)
    records = candidates([1, 2, 1], first_offset=7)
    first = outcomes(dedup_index, records)

    assert (
        outcomes(dedup_index, records)
        == first
        == [Outcome.STORED, Outcome.STORED, Outcome.DUPLICATE]
    )


def test_the_same_record_again_is_written_down_again() -> None:
    """A rebalance keeps the dedup index but drops what the changelog had not confirmed yet."""
    dedup_index = DedupIndex(WINDOW_MS)
    records = candidates([1, 2, 1], first_offset=7)
    outcomes(dedup_index, records)

    new_ids = decide(records, dedup_index).new_ids

    assert new_ids is not None
    assert new_ids.offsets.tolist() == [7, 8]


def test_a_record_is_no_repeat_of_one_behind_it() -> None:
    """A record whose row was refused comes again after a crash; the id's row lies behind it."""
    dedup_index = DedupIndex(WINDOW_MS)
    outcomes(dedup_index, candidates([1, 2], first_offset=7, at_ms=5, content=3))

    before = outcomes(dedup_index, candidates([1, 2], first_offset=6, at_ms=5))

    assert before == [Outcome.STORED, Outcome.STORED]


@pytest.mark.parametrize(
    ("at_ms", "incarnation"),
    [(6, ""), (6, "a"), (5, "b"), (WINDOW_MS, "b"), (5 + WINDOW_MS, "a")],
    ids=["later", "later, same topic", "other topic", "other topic, later", "end of the window"],
)
def test_a_lower_offset_is_before_only_in_the_same_incarnation(
    at_ms: int, incarnation: str
) -> None:
    """What was appended later was seen later: offsets start again in a recreated topic."""
    dedup_index = DedupIndex(WINDOW_MS)
    known = "a" if incarnation else ""
    outcomes(dedup_index, replace(candidates([1], first_offset=7, at_ms=5), incarnation=known))

    again = replace(candidates([1], first_offset=3, at_ms=at_ms), incarnation=incarnation)

    assert outcomes(dedup_index, again) == [Outcome.DUPLICATE]


def test_a_repeat_inside_one_batch_is_seen() -> None:
    """The first in the batch counts, the others refer to it."""
    decision = decide(candidates([5, 6, 5, 5], first_offset=10), DedupIndex(WINDOW_MS))

    assert decision.outcomes.tolist() == [
        Outcome.STORED,
        Outcome.STORED,
        Outcome.DUPLICATE,
        Outcome.DUPLICATE,
    ]
    assert decision.first_offsets.tolist() == [10, 11, 10, 10]


def test_other_content_under_one_id_is_a_conflict() -> None:
    """The first received counts; the different one is kept as a conflict."""
    dedup_index = DedupIndex(WINDOW_MS)
    outcomes(dedup_index, candidates([1], first_offset=0, content=1))

    assert outcomes(dedup_index, candidates([1], first_offset=1, content=2)) == [Outcome.CONFLICT]
    assert outcomes(dedup_index, candidates([1], first_offset=2, content=1)) == [Outcome.DUPLICATE]


def test_a_repeat_counts_to_the_end_of_the_window_and_not_beyond() -> None:
    """The broker's append times decide: exactly the window later is a repeat, 1 ms more is not."""
    dedup_index = DedupIndex(WINDOW_MS)
    outcomes(dedup_index, candidates([1, 2], first_offset=0, at_ms=1000))

    inside = outcomes(dedup_index, candidates([1], first_offset=2, at_ms=1000 + WINDOW_MS))
    outside = outcomes(dedup_index, candidates([2], first_offset=3, at_ms=1001 + WINDOW_MS))
    again = outcomes(dedup_index, candidates([2], first_offset=4, at_ms=1500 + WINDOW_MS))

    assert (inside, outside, again) == ([Outcome.DUPLICATE], [Outcome.STORED], [Outcome.DUPLICATE])
