"""One run of a reading statement on a worker pool, and how it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, Protocol

from engine_http.execution.pools import WorkerPool
from engine_http.results.pipe import ResultPipe
from engine_http.results.summary import Summary

_KILL_AGAIN_SECONDS: Final = 0.1


class ReadWork(Protocol):
    """Run the statement on a thread; its result goes to the pipe if there is one."""

    def __call__(self, pipe: ResultPipe | None, *, trial: bool) -> tuple[bytes, Summary]:
        """Return what did not go through the pipe, and the counts."""


class Attempt:
    """A statement that runs from construction on; `end` must always be called."""

    def __init__(self, pool: WorkerPool, work: ReadWork, *, piped: bool, trial: bool) -> None:
        self._pipe = ResultPipe() if piped else None
        self.outcome = pool.start(functools.partial(work, self._pipe, trial=trial))

    def zones(self) -> Mapping[int, str]:
        """The time zones of a Native result; known once something has been written."""
        return self._pipe.zones if self._pipe is not None else {}

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what the statement writes to the pipe until it has finished."""
        if self._pipe is not None:
            async for chunk in self._pipe.chunks():
                yield chunk

    async def end(self, kill: Callable[[], Awaitable[None]]) -> None:
        """Stop the statement with *kill* if it still runs; return when it has ended.

        The engine does not notice by itself that nobody reads. A statement that has not begun yet
        cannot be killed, so *kill* is repeated.
        """
        if self._pipe is not None:
            self._pipe.close()
        while not self.outcome.done():
            await kill()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait([self.outcome], timeout=_KILL_AGAIN_SECONDS)
