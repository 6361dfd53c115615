"""Gives one process a wrong clock: a few lines of C, preloaded, where there is a compiler.

Only the time of day is moved, as by a wrong clock; waiting is not. The engine is left out: its
threads wait until times of day, which only the kernel could move with it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


def build(directory: Path) -> Path | None:
    """Compile the library into *directory*; None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library = directory / "clock.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, check=False)
    return library if done.returncode == 0 else None


def environment(library: Path, seconds: int) -> dict[str, str]:
    """The variables that make a process's clock *seconds* fast."""
    return {"LD_PRELOAD": str(library), "CHAOS_CLOCK_SECONDS": str(seconds)}
