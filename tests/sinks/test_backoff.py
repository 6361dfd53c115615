"""How long a writer waits before it tries again."""

from __future__ import annotations

import pytest

from sinks.backoff import pause_seconds


def test_the_bound_doubles_with_each_attempt() -> None:
    """0.1, 0.2, 0.4 … seconds at the most."""
    assert [pause_seconds(attempt, 1.0) for attempt in range(4)] == [0.1, 0.2, 0.4, 0.8]


@pytest.mark.parametrize("attempt", [6, 63, 64, 10_000])
def test_the_bound_ends_at_the_most(attempt: int) -> None:
    """However long the outage, the write is tried again within seconds."""
    assert pause_seconds(attempt, 1.0, most_seconds=5.0) == 5.0


def test_chance_takes_any_part_of_the_bound() -> None:
    """Full jitter: workers that lost one store do not return at once."""
    assert [pause_seconds(3, chance) for chance in (0.0, 0.5)] == [0.0, 0.4]
