"""Computes the pause before a write is tried again."""

from __future__ import annotations


def pause_seconds(
    attempt: int, chance: float, *, first_seconds: float = 0.1, most_seconds: float = 5.0
) -> float:
    """Full jitter: *chance* (0 to 1, drawn by the caller) of a bound that doubles with *attempt*.

    Attempts count from 0. Workers that lost the same store come back at different moments.
    """
    # The bound is reached long before 64 doublings; far beyond, the power would overflow a float.
    return chance * min(most_seconds, first_seconds * 2.0 ** min(attempt, 64))
