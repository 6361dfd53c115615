"""A terminal that blocks of commands are typed into, one after the other."""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

# What a command leaves in `$?` is lost when the next one is typed, so it is written down at once.
BEGINNING: Final = """
set -Euo pipefail
trap 'echo "{failed} $BASH_COMMAND"' ERR
"""
FAILED: Final = "-- failed:"
END: Final = "-- end of block"


class Typed(NamedTuple):
    """What a block printed, and the commands in it that failed."""

    output: str
    failed: list[str]


class Terminal:
    """A bash that keeps its variables from block to block, as a person's terminal does."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash"], cwd=directory, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.type(BEGINNING.format(failed=FAILED))

    def _read(self) -> None:
        assert self._bash.stdout is not None
        for line in self._bash.stdout:
            self._lines.put(line)

    def type(self, text: str, *, seconds: float = 120) -> Typed:
        """Type *text*, wait until its last command ends; it must not take longer than *seconds*."""
        assert self._bash.stdin is not None
        # The commands may not read what is typed after them.
        self._bash.stdin.write(f"{{\n{text}\n}} < /dev/null\nprintf '\\n%s\\n' '{END}'\n")
        self._bash.stdin.flush()
        deadline, lines = time.monotonic() + seconds, list[str]()
        while True:
            try:
                line = self._lines.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                said = "".join(lines)
                raise AssertionError(f"after {seconds} s still runs:\n{text}\n{said}") from None
            if line == f"{END}\n":
                break
            lines.append(line)
        failed = [line.removeprefix(FAILED).strip() for line in lines if line.startswith(FAILED)]
        return Typed("".join(lines).strip(), failed)

    def close(self) -> None:
        """End it."""
        assert self._bash.stdin is not None
        self._bash.stdin.close()
        self._bash.wait(10)
