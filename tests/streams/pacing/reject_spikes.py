"""A topic of two partitions, one agent, and writers whose records are all refused or stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import numpy as np

from streams.fetch.fetched_batch import FetchedBatch, Partition
from streams.judge.judge import Judged
from streams.judge.outcomes import OutcomeCounts
from streams.metrics import WorkerMetrics
from streams.pacing.memory_limit import MemoryLimit
from streams.pacing.rate_meter import RateMeter
from streams.pacing.reject_spike import RejectSpikeGuard, RejectSpikeLimits
from streams.partition.writer import Pacing, PartitionWriter
from streams.recovery.recovery_offset import RecoveryOffset

BAD, GOOD = Partition("topic", 0), Partition("topic", 1)
# Enough for the guard to know, and for a writer to judge at once.
MANY = 2_000


def fetched(
    partition: Partition, first: int, *, count: int = MANY, value: bytes = b""
) -> FetchedBatch:
    """Records of *partition* from *first* on."""
    offsets = np.arange(first, first + count, dtype=np.int64)
    appended_ms = np.full(count, 1000, np.int64)
    return FetchedBatch(partition, first, offsets, appended_ms, [value] * count, [()] * count)


def judge(given: FetchedBatch, _stored: Mapping[int, int]) -> Judged:
    """All of the bad partition is refused, all of the good one stored."""
    if given.partition == BAD:
        return Judged(OutcomeCounts(rejected=len(given)))
    return Judged(OutcomeCounts(stored=len(given)))


async def until(condition: Callable[[], bool]) -> None:
    """Return when *condition* holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - writers signal nobody
            await asyncio.sleep(0.001)


class Topic:
    """The writers, what they wrote, and the one agent that serves both."""

    def __init__(self, *, rejects_per_second: float, limit_bytes: int = 2**30) -> None:
        self.written: dict[Partition, list[int]] = {BAD: [], GOOD: []}
        self.acknowledged: list[Any] = []
        self.metrics = WorkerMetrics()
        self.memory_limit = MemoryLimit(limit_bytes)
        self.limits = RejectSpikeLimits(0.5, rejects_per_second)
        self.log_starts = {BAD: 0, GOOD: 0}
        self.bad, self.good = self._writer(BAD), self._writer(GOOD)

    def _writer(self, partition: Partition) -> PartitionWriter:
        writes: Any = type("Writers", (), {"metrics": self.metrics, "write": self._write})()
        return PartitionWriter(
            partition,
            judge=judge,
            recovery=self._recovery,
            writes=writes,
            rewind=self._rewind,
            log_start=self._log_start,
            memory_limit=self.memory_limit,
            pacing=Pacing(MANY, 2**30, 0.0, 0.0),
            spike_guard=RejectSpikeGuard(self.limits),
            rate_meter=RateMeter(),
        )

    async def _write(self, span: Any, *_: Any) -> None:
        await asyncio.sleep(0)
        self.written[span.partition].append(span.last)

    async def _recovery(self, first: FetchedBatch) -> RecoveryOffset:
        return RecoveryOffset(first.first, first.first, {})

    async def _rewind(self, *_: Any) -> None:
        """Nothing is fetched again here."""

    async def _log_start(self, partition: Partition) -> int:
        return self.log_starts[partition]

    async def take(self, given: FetchedBatch) -> None:
        """Do as the agent does: the next batch is taken when this one is."""
        writer = self.bad if given.partition == BAD else self.good
        await writer.take(lambda: self.acknowledged.append(given.last), given)

    async def wait(self, partition: Partition, last: int) -> None:
        """Return when *partition* is written up to *last*."""
        await until(lambda: last in self.written[partition])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Both writers run."""
        tasks = [asyncio.create_task(writer.run()) for writer in (self.bad, self.good)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    async def begin_spike(self, batches: int = 2) -> None:
        """Let the bad partition write one insert batch and pause with the others queued."""
        for number in range(batches):
            await self.take(fetched(BAD, number * MANY))
        await self.wait(BAD, MANY - 1)
        # The range is acknowledged, and the pause begins.
        await until(lambda: self.bad.waiting_since is None)
