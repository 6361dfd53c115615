"""Bounds the rate of sending: so many items a second on average, in batches."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

LARGEST_BATCH: Final = 500


@dataclass(slots=True)
class Pace:
    """*rate* items a second; None is as fast as they are taken. The clock is an argument."""

    rate: float | None = None
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _started: float | None = field(default=None, init=False)
    _sent: int = field(default=0, init=False)

    @property
    def batch(self) -> int:
        """How many to send at once: at most what a second allows."""
        return LARGEST_BATCH if self.rate is None else max(1, min(LARGEST_BATCH, int(self.rate)))

    def wait(self, items: int) -> None:
        """Wait until *items* more may be sent."""
        if self.rate is None:
            return
        if self._started is None:
            self._started = self.now()
        early = self._started + self._sent / self.rate - self.now()
        if early > 0:
            self.sleep(early)
        self._sent += items
