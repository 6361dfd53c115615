"""Measures the rate of a whole worker over about the last two seconds."""

from __future__ import annotations

import math
from time import monotonic

OVER_SECONDS = 2.0


class RateMeter:
    """Records that all partition writers take, or bytes that they have stored."""

    def __init__(self) -> None:
        self._per_second = 0.0
        self._noted_at = monotonic()

    def note(self, amount: int) -> None:
        """Note that *amount* came in now."""
        self._per_second = self.per_second + amount / OVER_SECONDS
        self._noted_at = monotonic()

    @property
    def per_second(self) -> float:
        """The amount per second; what came longer ago counts less and less."""
        return self._per_second * math.exp((self._noted_at - monotonic()) / OVER_SECONDS)
