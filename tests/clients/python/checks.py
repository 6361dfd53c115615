"""Prints one line of JSON for each check; every program of this folder is one client.

A program has two arguments: the port and the user.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from typing import Any

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 0
USER = sys.argv[2] if len(sys.argv) > 2 else "default"
URL = f"http://127.0.0.1:{PORT}/"
AMOUNT = "1234567890123.000000000000000001"
OWNER = USER == "default"


def check(name: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Run the function that follows at once and report under *name* whether it raised."""

    def run(work: Callable[[], Any]) -> Callable[[], Any]:
        detail = ""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever the client raises is the finding
            detail = f"{type(error).__name__}: {error}" if str(error) else traceback.format_exc(-1)
        print(json.dumps({"name": name, "ok": not detail, "detail": detail}), flush=True)
        return work

    return run


def equal(actual: object, expected: object) -> None:
    """Raise unless both are equal."""
    if actual != expected:
        raise AssertionError(f"{actual!r} instead of {expected!r}")


def true(found: object) -> None:
    """Raise unless *found* is true."""
    if not found:
        raise AssertionError("it is not so")


def refused(code: int, work: Callable[[], Any]) -> None:
    """Raise unless *work* fails with ClickHouse's *code*."""
    try:
        work()
    except Exception as error:
        if str(code) not in str(error):
            raise
        return
    raise AssertionError("it was not refused")
