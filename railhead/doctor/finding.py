"""The finding of one check: its state, what was seen, and what to do about it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """How bad it is: only `fail` keeps Railhead from working, `warn` will one day."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class DoctorFinding(NamedTuple):
    """One line of the report; `advice` is empty where nothing is to be done."""

    check: str
    state: State
    says: str
    advice: str = ""


def ok(check: str, says: str) -> DoctorFinding:
    """All is well."""
    return DoctorFinding(check, State.OK, says)


def warn(check: str, says: str, advice: str) -> DoctorFinding:
    """It works, but somebody should look."""
    return DoctorFinding(check, State.WARN, says, advice)


def fail(check: str, says: str, advice: str) -> DoctorFinding:
    """It cannot work like this."""
    return DoctorFinding(check, State.FAIL, says, advice)
