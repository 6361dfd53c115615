"""A partition of rejects is slowed down and said; a few bad records are not."""

from __future__ import annotations

from streams.flood import FloodGuard, FloodLimits

LIMITS = FloodLimits(share=0.5, rejects_per_second=100)


def test_a_run_of_rejects_is_a_flood_and_is_slowed() -> None:
    """No more rejects a second than may pass."""
    guard = FloodGuard(LIMITS)
    guard.pause_seconds(1000, 1000)

    assert guard.pause_seconds(500, 500) == 5.0
    assert guard.flooding


def test_a_few_rejects_cost_nothing() -> None:
    """One in fifty is a sender's everyday, and so is a handful right after the start."""
    guard = FloodGuard(LIMITS)

    assert guard.pause_seconds(10, 10) == 0.0
    assert [guard.pause_seconds(1000, 20) for _ in range(5)] == [0.0] * 5


def test_a_flood_that_ends_is_over() -> None:
    """Good records bring the share down again."""
    guard = FloodGuard(LIMITS)
    for _ in range(5):
        guard.pause_seconds(1000, 1000)

    pauses = [guard.pause_seconds(1000, 0) for _ in range(4)]

    assert pauses[-1] == 0.0
    assert not guard.flooding
