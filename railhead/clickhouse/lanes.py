"""Who waits for whom? Inserts, the owner's statements and analysts' queries have their own lanes.

A busy analyst fills the analysts' lane and no other, so inserts and health never wait behind one.
A lane that is full lets a statement wait a bounded time and then refuses it with code 202.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from railhead.clickhouse.errors import ClickHouseError, Code

T = TypeVar("T")


class Lane:
    """At most *width* statements at a time, each on a thread of this lane."""

    def __init__(self, name: str, *, width: int, queue: int, patience_seconds: float) -> None:
        self._name = name
        self._threads = ThreadPoolExecutor(width, f"{name}-lane")
        self._free = asyncio.Semaphore(width)
        self._waiting = 0
        self._running = 0
        self._queue = queue
        self._patience_seconds = patience_seconds

    @property
    def busy(self) -> bool:
        """Whether anything runs here or waits to."""
        return self._running + self._waiting > 0

    async def enter(self) -> None:
        """Take a place, which `start` must use next; ClickHouseError 202 when none gets free."""
        if self._free.locked() and self._waiting >= self._queue:
            raise self._full()
        self._waiting += 1
        try:
            await asyncio.wait_for(self._free.acquire(), self._patience_seconds)
        except TimeoutError:
            raise self._full() from None
        finally:
            self._waiting -= 1

    def start(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Run *work* on a thread; the place is free again when it ended."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        self._running += 1
        future.add_done_callback(self._leave)
        return future

    async def run(self, work: Callable[[], T]) -> T:
        """Enter, run *work* and return what it returned.

        A caller that is cancelled leaves the work running to its end.
        """
        await self.enter()
        return await asyncio.shield(self.start(work))

    def _leave(self, future: asyncio.Future[T]) -> None:
        self._running -= 1
        self._free.release()
        if not future.cancelled():
            future.exception()  # somebody may have stopped listening; that is not an error here

    def _full(self) -> ClickHouseError:
        return ClickHouseError(
            Code.TOO_MANY_SIMULTANEOUS_QUERIES,
            f"Too many simultaneous queries in the {self._name} lane; try again later",
        )

    def close(self) -> None:
        """Wait for the work that runs."""
        self._threads.shutdown(wait=True, cancel_futures=True)
