"""Pauses a partition writer between two insert batches in a reject spike; nothing waits for it.

What was written adds to the debt, and the pause is taken before the next insert batch. A caller
that cannot wait (a stop, a hole in the topic, a worker that holds as much as it may) has the next
batch written at once; what was cut off stays as debt, so that no more rejects pass in the long run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Throttle:
    """The debt of one partition writer."""

    def __init__(self) -> None:
        self._until = 0.0
        self._hurried = 0
        self._flush = asyncio.Event()
        self._ended_at = 0.0
        self._resting = False

    def add_debt(self, seconds: float) -> None:
        """Add *seconds* to the debt."""
        self._until = max(self._until, asyncio.get_running_loop().time()) + seconds

    async def take(self) -> None:
        """Return when there is no debt, or as soon as a caller cannot wait."""
        clock = asyncio.get_running_loop().time
        if self._until <= clock():
            return
        self._resting = True
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._until):
                    await self._flush.wait()
        finally:
            self._resting = False
            self._ended_at = clock()

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """No pause within it."""
        self.flush()
        try:
            yield
        finally:
            self._hurried -= 1
            if not self._hurried:
                self._flush.clear()

    def flush(self) -> None:
        """No pause from now on."""
        self._hurried += 1
        self._flush.set()

    @property
    def has_debt(self) -> bool:
        """Whether a pause has begun or is due."""
        return self._until > asyncio.get_running_loop().time()

    def left_out(self, since: float) -> float | None:
        """The later of *since*, a loop time, and the end of the last pause; None during a pause."""
        return None if self._resting else max(since, self._ended_at)
