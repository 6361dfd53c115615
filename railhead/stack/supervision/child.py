"""Starts and ends one process of the stack: tied to its starter, in a session of its own.

Its own session keeps Ctrl-C on a terminal from reaching parts before their turn. The tie is to
the thread that started it, so start children from a thread that lives as long as they may.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Mapping, Sequence
from pathlib import Path

from railhead.stack.logfile import open_log
from railhead.stack.supervision import parent_death


class Child:
    """A running process whose output goes to a log file."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls, argv: Sequence[str], *, environment: Mapping[str, str], log: Path, directory: Path
    ) -> Child:
        """Start *argv* in *directory*; *environment* comes on top of our own.

        Raises:
            OSError: there is no such directory.
        """
        with open_log(log) as output:
            return cls(
                await asyncio.create_subprocess_exec(
                    *parent_death.command(os.getpid(), list(argv)),
                    stdin=DEVNULL,
                    stdout=output,
                    stderr=STDOUT,
                    cwd=directory,
                    env={**os.environ, **environment},
                    start_new_session=True,
                )
            )

    @property
    def pid(self) -> int:
        """The part's own pid: the script that ties it to us becomes the part."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait for its end and return the exit code, negative for a signal."""
        return await self._process.wait()

    async def stop(self, *, within_seconds: float, kill_now: asyncio.Event) -> bool:
        """Ask it to end, and kill it if it has not in time or when *kill_now* is set.

        Returns whether it ended by itself.
        """
        ended = asyncio.ensure_future(self.wait())
        killing = asyncio.ensure_future(kill_now.wait())
        try:
            self._signal(signal.SIGTERM)
            await asyncio.wait(
                (ended, killing),
                timeout=within_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            by_itself = ended.done()
            if not by_itself:
                self.kill()
            await ended
        finally:
            killing.cancel()
        return by_itself

    def kill(self) -> None:
        """End it, and what it started itself, at once."""
        if self._process.returncode is not None:
            return  # its number may be another process's by now
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


def describe_end(code: int) -> str:
    """An exit code in words: "exit code 1", "SIGKILL"."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
