"""Nothing outlives its supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from railhead.stack.supervision import parent_death

# A supervisor that starts a sleeper tied to it and prints its pid.
PARENT = """
import os, subprocess, sys, time
from railhead.stack.supervision import parent_death
child = subprocess.Popen(
    parent_death.command(os.getpid(), [sys.executable, "-c", "import time; time.sleep(600)"]),
    start_new_session=True,
)
print(child.pid, flush=True)
time.sleep(600)
"""


def is_running(pid: int) -> bool:
    """Whether the process exists and is more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's service is Linux's")
def test_a_part_dies_with_its_killed_supervisor() -> None:
    """A kill -9 gives a supervisor no chance to stop anything."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_running(child)

    parent.send_signal(signal.SIGKILL)
    parent.communicate()

    deadline = time.monotonic() + 10
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(child)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's service is Linux's")
def test_a_part_whose_supervisor_is_already_gone_does_not_start() -> None:
    """It may die between starting the part and the part's call to the kernel."""
    command = parent_death.command(1, [sys.executable, "-c", "print('started')"])
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stdout == ""


def test_the_part_runs_under_the_pid_that_was_started() -> None:
    """Signals and pid files are about the part, not about a wrapper."""
    code = "import os; print(os.getpid())"
    command = parent_death.command(os.getpid(), [sys.executable, "-c", code])
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    assert int(child.communicate()[0]) == child.pid
