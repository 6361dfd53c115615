"""The rate is measured over about the last two seconds, whatever the size of the batches."""

from __future__ import annotations

import pytest

from streams.pacing import rate_meter


@pytest.mark.parametrize("every_seconds", [0.01, 0.25])
def test_a_steady_load_is_measured_as_it_is(clock: list[float], every_seconds: float) -> None:
    """Ten seconds of 10,000 records a second."""
    mine = rate_meter.RateMeter()
    for _ in range(round(10 / every_seconds)):
        clock[0] += every_seconds
        mine.note(round(10_000 * every_seconds))

    assert mine.per_second == pytest.approx(10_000, rel=0.15)


def test_a_load_that_ended_is_forgotten(clock: list[float]) -> None:
    """A burst is no reason to wait half a minute later."""
    mine = rate_meter.RateMeter()
    mine.note(100_000)
    clock[0] += 30

    assert mine.per_second < 1
