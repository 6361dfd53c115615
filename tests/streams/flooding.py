"""A topic of two partitions, one agent, and lanes whose records are all refused or all stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import numpy as np

from streams.budget import Budget
from streams.flood import FloodGuard, FloodLimits
from streams.flow import Flow
from streams.judge import Counts, Judged
from streams.lane import Lane, Pacing
from streams.metrics import WorkerMetrics
from streams.resume import Resume
from streams.slices import Partition, Slice

BAD, GOOD = Partition("topic", 0), Partition("topic", 1)
# Enough for the guard to know, and for a lane to judge at once.
MANY = 2_000


def piece(partition: Partition, first: int, *, count: int = MANY, value: bytes = b"") -> Slice:
    """Records of *partition* from *first* on."""
    offsets = np.arange(first, first + count, dtype=np.int64)
    appended_ms = np.full(count, 1000, np.int64)
    return Slice(partition, first, offsets, appended_ms, [value] * count, [()] * count)


def judge(given: Slice, _stored: Mapping[int, int]) -> Judged:
    """All of the bad partition is refused, all of the good one stored."""
    if given.partition == BAD:
        return Judged(Counts(rejected=len(given)))
    return Judged(Counts(stored=len(given)))


async def until(condition: Callable[[], bool]) -> None:
    """Return when *condition* holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - lanes tell nobody
            await asyncio.sleep(0.001)


class Topic:
    """The lanes, what they wrote, and the one agent that serves both."""

    def __init__(self, *, rejects_per_second: float, budget_bytes: int = 2**30) -> None:
        self.written: dict[Partition, list[int]] = {BAD: [], GOOD: []}
        self.acknowledged: list[Any] = []
        self.metrics = WorkerMetrics()
        self.budget = Budget(budget_bytes)
        self.limits = FloodLimits(0.5, rejects_per_second)
        self.log_starts = {BAD: 0, GOOD: 0}
        self.bad, self.good = self._lane(BAD), self._lane(GOOD)

    def _lane(self, partition: Partition) -> Lane:
        writers: Any = type("Writers", (), {"metrics": self.metrics, "write": self._write})()
        return Lane(
            partition,
            judge=judge,
            resume=self._resume,
            writers=writers,
            acknowledge=self.acknowledged.append,
            rewind=self._rewind,
            log_start=self._log_start,
            budget=self.budget,
            pacing=Pacing(MANY, 2**30, 0.0, 0.0),
            flood=FloodGuard(self.limits),
            flow=Flow(),
        )

    async def _write(self, span: Any, *_: Any) -> None:
        await asyncio.sleep(0)
        self.written[span.partition].append(span.last)

    async def _resume(self, first: Slice) -> Resume:
        return Resume(first.first, first.first, {})

    async def _rewind(self, *_: Any) -> None:
        """Nothing is fetched again here."""

    async def _log_start(self, partition: Partition) -> int:
        return self.log_starts[partition]

    async def take(self, given: Slice) -> None:
        """Do as the agent does: the next slice is taken when this one is."""
        lane = self.bad if given.partition == BAD else self.good
        await lane.take(given.last, given)

    async def wait(self, partition: Partition, last: int) -> None:
        """Return when *partition* is written up to *last*."""
        await until(lambda: last in self.written[partition])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Both lanes write."""
        tasks = [asyncio.create_task(lane.run()) for lane in (self.bad, self.good)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    async def flood(self, slices: int = 2) -> None:
        """Let the bad partition write one range and pause with the others queued."""
        for number in range(slices):
            await self.take(piece(BAD, number * MANY))
        await self.wait(BAD, MANY - 1)
        # The range is acknowledged, and the pause begins.
        await until(lambda: self.bad.waiting_since is None)
