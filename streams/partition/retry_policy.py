"""The retry policy: a write that the store or the broker does not take is held and repeated.

Nothing is dropped and nothing is skipped: a step is repeated with growing, jittered pauses until it
is confirmed. Trouble that waiting alone will not end (a schema that does not fit, a refused login)
is repeated too, but raises an alarm, as an operator has to act.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sinks.backoff import pause_seconds
from sinks.errors import MisconfiguredError, NonRetryableError, SinkError
from streams.metrics import WorkerMetrics

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


class RetryPolicy:
    """Repeats writes until they are confirmed; `holding` is how many are being repeated."""

    def __init__(self, metrics: WorkerMetrics) -> None:
        self.metrics = metrics
        self.holding = 0

    async def until_done(self, step: str, write: Callable[[], Awaitable[Result]]) -> Result:
        """Call *write* until it returns.

        Raises:
            NonRetryableError: the data is refused; the caller sets the bad rows aside.
        """
        attempt = 0
        try:
            while True:
                try:
                    return await write()
                except NonRetryableError:
                    raise
                except Exception as error:  # noqa: BLE001 - whatever it is, it is not confirmed
                    self._note(step, error, attempt)
                self.holding += attempt == 0
                await asyncio.sleep(pause_seconds(attempt, random.random()))  # noqa: S311 - no secret
                attempt += 1
        finally:
            self.holding -= attempt > 0

    def _note(self, step: str, error: Exception, attempt: int) -> None:
        kind = type(error).__name__
        self.metrics.retries.labels(step=step, error=kind).inc()
        # The first, then every power of two: a long outage does not fill the disk with log lines.
        if attempt & (attempt - 1):
            return
        loud = isinstance(error, MisconfiguredError) or not isinstance(
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
