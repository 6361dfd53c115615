"""The kernel's view of a process: stopped, asleep, busy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from railhead.stack.supervision.kernel import (
    STOPPED,
    demand_seconds,
    may_go_on,
    state_of,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="read from Linux's /proc")
SLEEPS = "import time; print('here', flush=True); time.sleep(600)"
SPINS = "import threading; print('here', flush=True)\nwhile True: pass"

Started = Callable[[str], int]


@pytest.fixture
def started() -> Iterator[Started]:
    """Start Python code that prints a line; the pid of the process."""
    processes: list[subprocess.Popen[str]] = []

    def start(code: str) -> int:
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout
        assert process.stdout.readline() == "here\n"
        return process.pid

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def grows(pid: int) -> bool:
    """Whether the process asks for a tenth of a second of processor time within some seconds."""
    first, deadline = demand_seconds(pid), time.monotonic() + 20
    assert first is not None
    while time.monotonic() < deadline:
        if (demand_seconds(pid) or 0.0) > first + 0.1:
            return True
        time.sleep(0.02)
    return False


def test_a_busy_process_asks_for_processor_time_until_it_is_stopped(started: Started) -> None:
    """Also if another program has the processor: waiting for it counts."""
    pid = started(SPINS)
    assert grows(pid)
    assert may_go_on(pid)

    os.kill(pid, signal.SIGSTOP)
    os.waitpid(pid, os.WUNTRACED)

    assert state_of(pid) == STOPPED
    assert not may_go_on(pid)
    first = demand_seconds(pid)
    assert [demand_seconds(pid) for _ in range(100)] == [first] * 100


def test_a_sleeping_process_asks_for_none(started: Started) -> None:
    """It waits for something that may never come."""
    pid = started(SLEEPS)
    while state_of(pid) != "S":
        time.sleep(0.01)
    first = demand_seconds(pid)

    assert [demand_seconds(pid) for _ in range(100)] == [first] * 100
    assert not may_go_on(pid)


def test_nothing_is_known_of_a_process_that_has_ended(started: Started) -> None:
    """It ends between two looks."""
    pid = started(SLEEPS)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

    assert state_of(pid) is None
    assert demand_seconds(pid) is None
    assert not may_go_on(pid)
