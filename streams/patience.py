"""What happens when the store or the broker does not take a write? It is held and tried again.

Nothing is dropped and nothing is passed by: a step is repeated with growing, jittered pauses
until it is confirmed. Trouble that waiting alone will not cure (a schema that does not fit, a
refused login) is repeated too, but said loudly, as an operator has to act.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sinks.errors import Broken, Refused, SinkError
from streams.metrics import WorkerMetrics

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


def pause_seconds(attempt: int, *, first_seconds: float = 0.1, most_seconds: float = 5.0) -> float:
    """Full jitter below a bound that doubles with each *attempt* (0, 1, …) up to the most."""
    return random.uniform(0, min(most_seconds, first_seconds * 2**attempt))  # noqa: S311 - no secret


class Patience:
    """Repeats writes until they are confirmed; `holding` tells how many are being repeated."""

    def __init__(self, metrics: WorkerMetrics) -> None:
        self.metrics = metrics
        self.holding = 0

    async def until_done(self, step: str, write: Callable[[], Awaitable[Result]]) -> Result:
        """Call *write* until it returns.

        Raises:
            Refused: the data itself is refused; the caller sets the bad rows aside.
        """
        attempt = 0
        try:
            while True:
                try:
                    return await write()
                except Refused:
                    raise
                except Exception as error:  # noqa: BLE001 - whatever it is, it is not confirmed
                    self._note(step, error, attempt)
                self.holding += attempt == 0
                await asyncio.sleep(pause_seconds(attempt))
                attempt += 1
        finally:
            self.holding -= attempt > 0

    def _note(self, step: str, error: Exception, attempt: int) -> None:
        kind = type(error).__name__
        self.metrics.retries.labels(step=step, error=kind).inc()
        # The first, then every power of two: a long outage fills no disk with log lines.
        if attempt & (attempt - 1):
            return
        loud = isinstance(error, Broken) or not isinstance(
            error, SinkError | TimeoutError | OSError
        )
        logger.log(
            logging.ERROR if loud else logging.WARNING,
            "Not written (%s, try %d): %s: %s. Held and tried again.",
            step,
            attempt + 1,
            kind,
            error,
        )
