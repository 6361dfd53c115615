"""Stored, duplicate or conflict: the decision by the place of the first sighting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from streams.fates import Candidates, Fate, decide
from streams.seen.index import SeenIndex

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


def fates(seen: SeenIndex, records: Candidates) -> list[Fate]:
    """Decide, remember, and tell the fates."""
    verdict = decide(records, seen)
    if verdict.news is not None:
        seen.add(verdict.news)
    return [Fate(fate) for fate in verdict.fates.tolist()]


def test_the_first_of_an_id_is_stored_and_a_repeat_elsewhere_is_not() -> None:
    """An id seen at another offset is a repeat."""
    seen = SeenIndex(WINDOW_MS)

    assert fates(seen, candidates([1, 2], first_offset=0)) == [Fate.STORED, Fate.STORED]
    assert fates(seen, candidates([2, 3], first_offset=2)) == [Fate.DUPLICATE, Fate.STORED]


def test_the_same_record_again_is_a_first_sighting_again() -> None:
    """A replay after a crash meets its own mark; dropping it would lose the event."""
    seen = SeenIndex(WINDOW_MS)
    records = candidates([1, 2, 1], first_offset=7)
    first = fates(seen, records)

    assert fates(seen, records) == first == [Fate.STORED, Fate.STORED, Fate.DUPLICATE]


def test_the_same_record_again_is_written_down_again() -> None:
    """A rebalance keeps the memory but drops what was not yet confirmed by the changelog."""
    seen = SeenIndex(WINDOW_MS)
    records = candidates([1, 2, 1], first_offset=7)
    fates(seen, records)

    news = decide(records, seen).news

    assert news is not None
    assert news.offsets.tolist() == [7, 8]


def test_a_record_is_no_repeat_of_one_behind_it() -> None:
    """A record whose row was refused comes again after a crash; the id's row lies behind it."""
    seen = SeenIndex(WINDOW_MS)
    fates(seen, candidates([1, 2], first_offset=7, at_ms=5, content=3))

    before = fates(seen, candidates([1, 2], first_offset=6, at_ms=5))

    assert before == [Fate.STORED, Fate.STORED]


@pytest.mark.parametrize(
    ("at_ms", "incarnation"),
    [(6, ""), (6, "a"), (5, "b"), (WINDOW_MS, "b"), (5 + WINDOW_MS, "a")],
    ids=["later", "later, same topic", "other topic", "other topic, later", "end of the window"],
)
def test_a_lower_offset_is_before_only_in_the_same_life(at_ms: int, incarnation: str) -> None:
    """What was appended later was seen later: offsets start anew in a recreated topic."""
    seen = SeenIndex(WINDOW_MS)
    known = "a" if incarnation else ""
    fates(seen, replace(candidates([1], first_offset=7, at_ms=5), incarnation=known))

    again = replace(candidates([1], first_offset=3, at_ms=at_ms), incarnation=incarnation)

    assert fates(seen, again) == [Fate.DUPLICATE]


def test_a_repeat_inside_one_slice_is_seen() -> None:
    """The first in the slice counts, the others refer to it."""
    verdict = decide(candidates([5, 6, 5, 5], first_offset=10), SeenIndex(WINDOW_MS))

    assert verdict.fates.tolist() == [Fate.STORED, Fate.STORED, Fate.DUPLICATE, Fate.DUPLICATE]
    assert verdict.first_offsets.tolist() == [10, 11, 10, 10]


def test_other_content_under_one_id_is_a_conflict() -> None:
    """The first received counts; the different one is kept as a conflict."""
    seen = SeenIndex(WINDOW_MS)
    fates(seen, candidates([1], first_offset=0, content=1))

    assert fates(seen, candidates([1], first_offset=1, content=2)) == [Fate.CONFLICT]
    assert fates(seen, candidates([1], first_offset=2, content=1)) == [Fate.DUPLICATE]


def test_a_repeat_counts_to_the_end_of_the_window_and_not_beyond() -> None:
    """The broker's append times decide: exactly the window later is a repeat, 1 ms more is not."""
    seen = SeenIndex(WINDOW_MS)
    fates(seen, candidates([1, 2], first_offset=0, at_ms=1000))

    inside = fates(seen, candidates([1], first_offset=2, at_ms=1000 + WINDOW_MS))
    outside = fates(seen, candidates([2], first_offset=3, at_ms=1001 + WINDOW_MS))
    again = fates(seen, candidates([2], first_offset=4, at_ms=1500 + WINDOW_MS))

    assert (inside, outside, again) == ([Fate.DUPLICATE], [Fate.STORED], [Fate.DUPLICATE])
