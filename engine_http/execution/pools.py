"""Worker pools: which statements run on which threads, and which wait for which.

Inserts, the owner's commands, the owner's reads and analysts' reads have pools of their own, so
that none of them waits for another kind. When a pool is full, a statement waits a bounded time and
is then refused with code 202.

Reads of one kind of user have two pools. The long pool has few threads, because each statement in
it may take its full share of memory and time. A read that finds no free thread there gets a trial
in the short pool: little time and memory. A read that does not end within its trial is stopped,
waits for the long pool and is run again from its beginning. So a short read never waits behind long
ones, and without contention nothing is run twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from engine_http.engine.errors import ClickHouseError, Code

T = TypeVar("T")

_QUEUE: Final = 64
_WAIT_SECONDS: Final = 60.0


class WorkerPool:
    """At most *width* statements at a time, each on a thread of this pool."""

    def __init__(
        self,
        name: str,
        *,
        width: int,
        queue: int = _QUEUE,
        wait_seconds: float = _WAIT_SECONDS,
    ) -> None:
        self._name = name
        self._threads = ThreadPoolExecutor(width, f"{name}-pool")
        self._free = asyncio.Semaphore(width)
        self._waiting = 0
        self._running = 0
        self._queue = queue
        self._wait_seconds = wait_seconds
        self._refuses = False

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits here."""
        return self._running + self._waiting > 0

    def has_free_thread(self) -> bool:
        """Whether `enter` would return at once."""
        return not self._free.locked()

    async def enter(self) -> None:
        """Reserve a thread, which `start` must use next; ClickHouseError 202 when none gets free.

        After `refuse` it raises ClickHouseError 236.
        """
        if self._refuses:
            raise ClickHouseError(Code.ABORTED, "The server is shutting down")
        if self._free.locked() and self._waiting >= self._queue:
            raise self._full()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise self._full() from None
        finally:
            self._waiting -= 1

    def start(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Run *work* on a thread; the thread is free again when it has ended."""
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
            future.exception()  # the caller may have left; that is not an error here

    def _full(self) -> ClickHouseError:
        return ClickHouseError(
            Code.TOO_MANY_SIMULTANEOUS_QUERIES,
            f"Too many simultaneous queries in the {self._name} pool; try again later",
        )

    def refuse(self) -> None:
        """Start nothing more."""
        self._refuses = True

    def close(self) -> None:
        """Wait for the running work."""
        self._threads.shutdown(wait=True, cancel_futures=True)


class ReadPools:
    """The two pools for the reads of one kind of user."""

    def __init__(self, name: str, *, long: int, short: int) -> None:
        self.long = WorkerPool(name, width=long)
        self.short = WorkerPool(f"{name}-short", width=short)

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits here."""
        return self.long.busy or self.short.busy

    async def enter(self) -> WorkerPool:
        """Reserve a thread, of the long pool if one is free there; return its pool."""
        pool = self.long if self.long.has_free_thread() else self.short
        await pool.enter()
        return pool

    def refuse(self) -> None:
        """Start nothing more."""
        self.long.refuse()
        self.short.refuse()

    def close(self) -> None:
        """Wait for the running work."""
        self.long.close()
        self.short.close()
