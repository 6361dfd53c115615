"""Ends a part when its supervisor is killed: run as a script, this execs the part.

`python parent_death.py PARENT COMMAND...` asks the kernel for SIGKILL when the parent ends, and
becomes COMMAND, under the same pid; the signal stays set after the exec, for Java too. It runs
before the part's own code, as the supervisor has threads and may not run Python between fork and
exec. On systems without this signal the part may outlive the supervisor.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Die with *parent*, also when it died before this line."""
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
        if os.getppid() != parent:
            sys.exit("the supervisor is gone")


def command(parent: int, argv: list[str]) -> list[str]:
    """The command line that runs *argv* tied to the process *parent*."""
    # -I and -S: nothing but the standard library is read, which takes 20 ms.
    return [sys.executable, "-I", "-S", __file__, str(parent), *argv]


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell: the supervisor's own list
