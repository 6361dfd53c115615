"""Checks run side by side and end at one deadline."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from railhead.doctor.checks import ANSWER_SECONDS, DEADLINE_SECONDS, Check, run_checks
from railhead.doctor.finding import DoctorFinding, State, ok

ENOUGH_SECONDS = 30


def test_what_does_not_answer_is_named_with_its_address_and_what_to_do() -> None:
    """What it had found by then is shown, too."""
    never = threading.Event()

    def look() -> Iterator[DoctorFinding]:
        yield ok("clickhouse", "release 26.9")
        never.wait(ENOUGH_SECONDS)

    late = Check("clickhouse", "ClickHouse at c:1", "Start it.", look)
    others = Check("lag", "c:1", "See above.", lambda: iter([ok("lag", "none")]))
    found = list(run_checks([late, others], within_seconds=0.2))
    never.set()

    assert found == [
        ok("clickhouse", "release 26.9"),
        DoctorFinding(
            "clickhouse", State.FAIL, "no answer within 0.2 s from ClickHouse at c:1", "Start it."
        ),
        ok("lag", "none"),
    ]


def test_all_run_at_once() -> None:
    """Each of these waits for the other one."""
    both = threading.Barrier(2)

    def look() -> list[DoctorFinding]:
        both.wait(ENOUGH_SECONDS)
        return [ok("one", "met")]

    found = list(run_checks([Check("one", "", "", look)] * 2, within_seconds=ENOUGH_SECONDS))

    assert found == [ok("one", "met")] * 2


def test_a_check_that_breaks_is_a_finding() -> None:
    """The others are still worth reading."""

    def look() -> list[DoctorFinding]:
        raise KeyError("x")

    [found] = run_checks([Check("one", "", "Look here.", look)], within_seconds=ENOUGH_SECONDS)

    assert (found.state, found.advice) == (State.FAIL, "Look here.")
    assert "KeyError: 'x'" in found.says


def test_the_command_has_time_left_to_start() -> None:
    """Ten seconds in all, and the clients' own errors come first."""
    assert ANSWER_SECONDS < DEADLINE_SECONDS <= 6
