"""Limits the time of the reads that are on trial in a short pool.

Time is processor time, as on a busy machine the clock says little about a statement. The clock
counts too, with a much higher limit, for statements that wait rather than compute.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

CPU_SECONDS: Final = 0.25
CLOCK_SECONDS: Final = 5.0


class Trials:
    """All trials; *overdue* returns those of some query ids that have used up their time."""

    def __init__(self, overdue: Callable[[Sequence[str]], Awaitable[Sequence[str]]]) -> None:
        self._overdue = overdue
        self._limits: dict[str, asyncio.Timeout] = {}

    @contextlib.asynccontextmanager
    async def limited(self, query_id: str) -> AsyncIterator[None]:
        """Limit the time of a block that runs *query_id*; raises TimeoutError once it is over."""
        async with asyncio.timeout(None) as limit:
            self._limits[query_id] = limit
            try:
                yield
            finally:
                del self._limits[query_id]

    async def end_overdue(self) -> None:
        """End the blocks whose time is over."""
        if not self._limits:
            return
        now = asyncio.get_running_loop().time()
        for query_id in await self._overdue(list(self._limits)):
            if query_id in self._limits:
                self._limits[query_id].reschedule(now)
