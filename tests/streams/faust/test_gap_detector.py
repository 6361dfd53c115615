"""Recovery is given every record of a changelog."""

from __future__ import annotations

from faust.types import TP

from streams.faust.gap_detector import GapDetector

HERE = TP("changelog", 2)


def test_a_part_that_goes_on_is_given() -> None:
    """From where recovery has read, and then chunk by chunk."""
    gap_detector = GapDetector()

    assert gap_detector.missing_from(HERE, 0, applied=-1) is None
    gap_detector.give(HERE, 4)
    assert gap_detector.missing_from(HERE, 5, applied=-1) is None


def test_a_part_behind_a_hole_is_not() -> None:
    """The first fetch was dropped; Faust would take the second as proof of the first."""
    gap_detector = GapDetector()

    assert gap_detector.missing_from(HERE, 1, applied=-1) == 0


def test_what_retention_deleted_is_asked_for_once() -> None:
    """It cannot be read, and the ids in it are past their window."""
    gap_detector = GapDetector()
    gap_detector.missing_from(HERE, 7, applied=2)

    assert gap_detector.missing_from(HERE, 7, applied=2) is None


def test_a_rebalance_forgets_what_was_given() -> None:
    """Its queue was cleared; only what recovery applied counts."""
    gap_detector = GapDetector()
    gap_detector.give(HERE, 9)
    gap_detector.clear()

    assert gap_detector.missing_from(HERE, 10, applied=4) == 5


def test_what_two_fetches_did_not_bring_is_not_there() -> None:
    """The first fetch may have got lost; what another one brings is given."""
    gap_detector = GapDetector()

    assert not gap_detector.holds_nothing(HERE, 0)
    assert gap_detector.holds_nothing(HERE, 0)
    assert not gap_detector.holds_nothing(HERE, 4)
    assert not gap_detector.holds_nothing(TP("changelog", 3), 4)
    assert gap_detector.holds_nothing(HERE, 4)


def test_a_rebalance_may_have_taken_what_was_fetched() -> None:
    """What brought nothing before is fetched again."""
    gap_detector = GapDetector()
    gap_detector.holds_nothing(HERE, 0)
    gap_detector.clear()

    assert not gap_detector.holds_nothing(HERE, 0)
