"""Named points at which a process kills itself, armed by the environment, for crash tests.

`RAILHEAD_FAILPOINT=worker.after_insert` kills the process (SIGKILL, as a power cut would) the first
time it passes that point, `worker.after_insert:3` the third time. With the variable unset a point
costs one comparison, and is passed once a batch or insert, never once a record.

`RAILHEAD_FAILPOINT_ONCE=FILE` makes it one death in all: the process that creates FILE dies, one
that finds it lives. So a supervisor may restart the process with the same environment.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Final

from failpoints.write_order import WRITE_ORDER

VARIABLE: Final = "RAILHEAD_FAILPOINT"
ONCE: Final = "RAILHEAD_FAILPOINT_ONCE"

POINTS: Final[dict[str, str]] = {
    "door.after_validate": "items are checked, nothing is sent to Kafka yet",
    "door.after_some_produced": "some of a batch's records are acknowledged, not all",
    "door.before_answer": "all is acknowledged, the 204 is not sent yet",
    **{name: what for step in WRITE_ORDER for name, what in step.points.items()},
    "worker.in_recovery": "part of a changelog is read back",
    "migrate.midway": "some statements of a migration are applied, not all",
}


class _Armed:
    """The armed point and how many passes are left; nothing when the variable is unset."""

    def __init__(self, text: str | None) -> None:
        name, _, count = (text or "").partition(":")
        if name and name not in POINTS:
            sys.exit(f"{VARIABLE}: no point is called {name!r}; there are {', '.join(POINTS)}")
        self.name = name or None
        self.left = int(count or 1)


_armed = _Armed(os.environ.get(VARIABLE))


def passing(name: str) -> None:
    """Die here if this point is armed; otherwise do nothing."""
    if _armed.name is None or _armed.name != name:
        return
    _armed.left -= 1
    if _armed.left <= 0 and _first_to_die(os.environ.get(ONCE)):
        os.kill(os.getpid(), signal.SIGKILL)


def _first_to_die(marker: str | None) -> bool:
    """Whether no process died for *marker* yet; creates the file, so that none does again."""
    if marker is None:
        return True
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    return True
