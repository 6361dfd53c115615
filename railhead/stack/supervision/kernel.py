"""What the kernel says about a process: its state, and how much processor time it asks for.

Linux only; elsewhere nothing is known.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
# See proc_pid_stat(5). `t` is a process under a debugger, which is nobody's fault.
STOPPED: Final = "T"
WAITS_FOR_DISK: Final = "D"
NANOSECONDS: Final = 1e9


def state_of(pid: int) -> str | None:
    """The state of the process as proc_pid_stat(5) writes it; None if it cannot be known."""
    return _state(PROC / str(pid))


def waits_for_disk(pid: int) -> bool:
    """Whether one of its threads waits for a disk, which ending the process would not make faster.

    Memory that was swapped out counts as well.
    """
    return any(_state(thread) == WAITS_FOR_DISK for thread in _threads(pid))


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
