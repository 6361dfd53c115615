"""A process hangs if it is silent and asks for no processor time; one that is busy does not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from railhead.stack.supervision.liveness import (
    HANGS_AFTER_SECONDS,
    LOOK_EVERY_SECONDS,
    Liveness,
    Look,
)
from railhead.stack.supervision.probes import SILENCE_SECONDS

EACH_SECONDS = LOOK_EVERY_SECONDS + SILENCE_SECONDS


def found_after(looks: Iterable[tuple[bool, float | None]]) -> float | None:
    """Seconds until a process hangs, by looks of (reacts, demand so far); None if it does not."""
    liveness = Liveness()
    for number, (reacts, demand) in enumerate(looks):
        if liveness.hangs(Look(number * EACH_SECONDS, reacts, demand)):
            return number * EACH_SECONDS
    return None


def test_silent_and_asleep_for_long_is_hanging() -> None:
    """Known in time for a start within a minute of the moment at which it began to hang."""
    after = found_after([(False, 100.0)] * 20)

    assert after is not None
    assert after >= HANGS_AFTER_SECONDS
    assert EACH_SECONDS + after <= 30


@pytest.mark.parametrize(
    ("name", "demand_each_look"), [("busy or starved", EACH_SECONDS), ("a tenth of a core", 0.7)]
)
def test_silence_of_a_process_that_wants_the_processor_is_not_hanging(
    name: str, demand_each_look: float
) -> None:
    """It works, or would if others left it the processor; ending it makes the machine no faster."""
    assert found_after((False, number * demand_each_look) for number in range(1000)) is None


def test_timers_of_a_process_whose_work_stands_still_do_not_count() -> None:
    """A heartbeat a second costs a few milliseconds."""
    assert found_after((False, number * 0.03) for number in range(20)) is not None


def test_a_reaction_and_work_in_between_start_the_wait_again() -> None:
    """A pause of some seconds, as chaos makes them, never adds up."""
    pauses = [(False, 5.0), (False, 5.0), (True, None)] * 100
    works_at_times = [(False, 10.0 * (number // 3)) for number in range(300)]

    assert found_after(pauses) is None
    assert found_after(works_at_times) is None


def test_without_the_kernels_counts_nothing_hangs() -> None:
    """Where in doubt a part is left alone; less than before means that a thread has ended."""
    assert found_after([(False, None)] * 100) is None
    assert found_after((False, 100.0 - number) for number in range(50)) is None
