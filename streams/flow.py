"""How much comes in? Records a second of a whole worker, over about the last two seconds."""

from __future__ import annotations

import math
from time import monotonic

OVER_SECONDS = 2.0


class Flow:
    """What all lanes of a worker take."""

    def __init__(self) -> None:
        self._per_second = 0.0
        self._noted_at = monotonic()

    def note(self, records: int) -> None:
        """Note that so many were taken now."""
        self._per_second = self.per_second + records / OVER_SECONDS
        self._noted_at = monotonic()

    @property
    def per_second(self) -> float:
        """Records a second; what was taken longer ago counts less and less."""
        return self._per_second * math.exp((self._noted_at - monotonic()) / OVER_SECONDS)
