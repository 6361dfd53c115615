"""When a worker counts as stuck."""

from __future__ import annotations

import pytest

from streams.watchdog import Facts, PartitionFacts, stuck

LIMIT = 60.0


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (Facts(recovery_seconds=61), "recovery_stuck"),
        (Facts(rebalancing_seconds=61), "rebalance_stuck"),
        (Facts(uncommitted_seconds=61), "commit_stuck"),
        (Facts([PartitionFacts("t[0]", unstored_seconds=61)]), "store_stuck"),
        (Facts([PartitionFacts("t[0]"), PartitionFacts("t[1]", untaken_seconds=61)]), "take_stuck"),
    ],
)
def test_what_makes_no_progress_is_stuck(facts: Facts, kind: str) -> None:
    """Each of the ages ends the worker when it passes the limit."""
    found = stuck(facts, limit_seconds=LIMIT)

    assert found is not None
    assert found[0] == kind


def test_an_outage_is_not_being_stuck() -> None:
    """While writes are tried again waiting is right, and what waited is old when it ends."""
    old = [PartitionFacts("t[0]", 999, 999)]

    for calm in (0, 1, 59):
        waiting = Facts(old, uncommitted_seconds=999, calm_seconds=calm)
        assert stuck(waiting, limit_seconds=LIMIT) is None
    assert stuck(Facts(old, calm_seconds=61), limit_seconds=LIMIT) is not None


def test_what_is_within_the_limit_is_well() -> None:
    """Nothing is said of a worker that is only busy."""
    busy = Facts([PartitionFacts("t[0]", 59, 59)], uncommitted_seconds=59, recovery_seconds=59)

    assert stuck(busy, limit_seconds=LIMIT) is None
