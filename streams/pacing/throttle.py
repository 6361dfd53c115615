"""How does a lane pause in a flood of rejects? Between two ranges, and nobody waits for it.

A pause is owed by what was written and taken before the next range is. Whoever cannot wait (a stop,
a hole in the topic, a worker that holds as much as it may) has the next range written at once; what
was cut off stays owed, so that no more rejects pass in the long run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Throttle:
    """What one lane owes."""

    def __init__(self) -> None:
        self._until = 0.0
        self._hurried = 0
        self._flush = asyncio.Event()
        self._ended_at = 0.0
        self._resting = False

    def add_debt(self, seconds: float) -> None:
        """Put *seconds* behind what is owed already."""
        self._until = max(self._until, asyncio.get_running_loop().time()) + seconds

    async def take(self) -> None:
        """Return when nothing is owed, or as soon as somebody is in a hurry."""
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
        """No pause while this is open."""
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
        """Whether a pause is on or to come."""
        return self._until > asyncio.get_running_loop().time()

    def left_out(self, since: float) -> float | None:
        """*since*, a loop time, or the end of the last pause after it; None during a pause."""
        return None if self._resting else max(since, self._ended_at)
