"""Who ends a part when its supervisor is killed? The kernel: run as a script, this execs a part.

`python parent_death.py PARENT COMMAND...` asks the kernel for SIGKILL when the parent is gone and then
becomes COMMAND, under the same pid; the wish survives the exec, for Java too. It runs before the
part's own code, as the supervisor has threads and may not run Python between fork and exec.
On systems without this the part runs untethered.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def parent_death(parent: int) -> None:
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
    parent_death(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell: the supervisor's own list
