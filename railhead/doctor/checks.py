"""Runs checks side by side, within one deadline: what does not answer in time is a finding, too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from railhead.doctor.finding import DoctorFinding, State, fail
from railhead.waiting import waiting_for

DEADLINE_SECONDS: Final = 6.0
# Of each request. It is shorter, so that mostly the client's own error says what is wrong.
ANSWER_SECONDS: Final = 4.0


class Check(NamedTuple):
    """What `look` finds; `asks` is who must answer for it, `advice` what to do if it does not."""

    name: str
    asks: object
    advice: str
    look: Callable[[], Iterable[DoctorFinding]]
    if_late: State = State.FAIL


def run_checks(
    checks: Sequence[Check], *, within_seconds: float = DEADLINE_SECONDS
) -> Iterator[DoctorFinding]:
    """Run all of *checks* at once and yield their findings, in the order of the checks.

    A check that is late is left alone, and its thread ends with the process.
    """
    deadline = time.monotonic() + within_seconds
    runs = [RunningCheck(check) for check in checks]
    pending = (str(run.check.asks) for run in runs if not run.done.is_set())
    with waiting_for(lambda: ", ".join(dict.fromkeys(pending))):
        for run in runs:
            in_time = run.done.wait(max(0.0, deadline - time.monotonic()))
            yield from tuple(run.findings)
            if not in_time:
                says = f"no answer within {within_seconds:g} s from {run.check.asks}"
                yield DoctorFinding(run.check.name, run.check.if_late, says, run.check.advice)


class RunningCheck:
    """A check in a thread of its own."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.findings: list[DoctorFinding] = []
        self.done = threading.Event()
        threading.Thread(target=self._look, name=check.name, daemon=True).start()

    def _look(self) -> None:
        try:
            for finding in self.check.look():
                self.findings.append(finding)
        except Exception as error:  # noqa: BLE001 - the other checks still tell something
            says = f"could not be checked: {type(error).__name__}: {error}"
            self.findings.append(fail(self.check.name, says, self.check.advice))
        finally:
            self.done.set()
