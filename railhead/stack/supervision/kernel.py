"""What the kernel says about a process: its state, and how much processor time it asks for.

Linux only; elsewhere nothing is known.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
# See proc_pid_stat(5).
STOPPED: Final = "T"
# Runs or waits to run; waits for a disk, also for memory that was swapped out; is being debugged.
GOES_ON: Final = frozenset("RDt")
NANOSECONDS: Final = 1e9


def state_of(pid: int) -> str | None:
    """The state of the process, one character of proc_pid_stat(5); None if it cannot be known."""
    return _state(PROC / str(pid))


def may_go_on(pid: int) -> bool:
    """Whether a thread of it works, would if it were let, or waits for a disk or a debugger.

    To end it would not help then.
    """
    return any(_state(thread) in GOES_ON for thread in _threads(pid))


def demand_seconds(pid: int) -> float | None:
    """Processor time that its threads have had or were waiting for; None if it cannot be known.

    It grows while the process is busy, and while it would be if others left it the processor. It
    stands still while every thread sleeps, and while the process is stopped.
    """
    found = None
    for thread in _threads(pid):
        # The thread may have ended meanwhile; and not every kernel counts this.
        with contextlib.suppress(OSError, ValueError, IndexError):
            ran, waited = (thread / "schedstat").read_text("ascii").split()[:2]
            found = (found or 0.0) + (int(ran) + int(waited)) / NANOSECONDS
    return found


def _threads(pid: int) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (PROC / str(pid) / "task").iterdir()


def _state(entry: Path) -> str | None:
    try:
        # The name of the program stands in brackets before it, and may hold anything.
        return (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return None
