"""A fail point kills a process at the pass it is armed for, and only once with a marker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import failpoints

POINT = "worker.after_ack"
PASS_TWICE = f"import failpoints as f; f.passing({POINT!r}); f.passing({POINT!r})"


def run(**environment: str) -> int:
    """The exit code of a process that passes the point twice."""
    return subprocess.run(
        [sys.executable, "-c", PASS_TWICE], env=os.environ | environment, check=False
    ).returncode


def test_an_armed_point_kills_at_the_pass_it_is_armed_for() -> None:
    """As a power cut would."""
    assert run() == 0
    assert run(**{failpoints.VARIABLE: POINT}) == -signal.SIGKILL
    assert run(**{failpoints.VARIABLE: f"{POINT}:2"}) == -signal.SIGKILL
    assert run(**{failpoints.VARIABLE: f"{POINT}:3"}) == 0


def test_with_a_marker_it_kills_once(tmp_path: Path) -> None:
    """The process that is started again with the same environment lives."""
    armed = {failpoints.VARIABLE: POINT, failpoints.ONCE: str(tmp_path / "died")}

    assert run(**armed) == -signal.SIGKILL
    assert run(**armed) == 0


def test_an_unknown_point_ends_the_start() -> None:
    """A typing error would make a crash test pass for nothing."""
    assert run(**{failpoints.VARIABLE: "worker.never"}) == 1
