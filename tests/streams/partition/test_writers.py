"""Partition writers end when a rebalance closes them, as the whole group waits for it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from streams.fetch.fetched_batch import Partition
from streams.partition import writers
from tests.streams.pacing.reject_spikes import GOOD, MANY, Topic, fetched

HERE = Partition("events", 0)


class Stubborn:
    """A writer that swallows the first cancellation, as wait_for may."""

    partition = HERE

    def __init__(self) -> None:
        self.cancelled = 0

    async def run(self) -> None:
        """Go on after being cancelled once."""
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled += 1
                if self.cancelled > 1:
                    raise

    async def close(self) -> None:
        """Nothing to drop."""


async def test_a_writer_that_swallows_a_cancellation_is_cancelled_again(monkeypatch: Any) -> None:
    """Closing ends, and it does not end the process."""
    monkeypatch.setattr(writers, "CANCEL_AGAIN_SECONDS", 0.01)
    writer: Any = Stubborn()
    held = writers.PartitionWriters()
    held.of(HERE, lambda _: writer)
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await held.close()

    assert writer.cancelled == 2


async def test_a_writer_that_never_ends_ends_the_process(monkeypatch: Any) -> None:
    """Better a restart than a group that stands still."""
    ends: list[str] = []
    monkeypatch.setattr(writers, "CANCELS", 2)
    monkeypatch.setattr(writers, "CANCEL_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(writers, "die", ends.append)
    release = asyncio.Event()

    async def deaf() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async def nothing() -> None:
        pass

    writer: Any = SimpleNamespace(run=deaf, close=nothing, partition=HERE)
    held = writers.PartitionWriters()
    held.of(HERE, lambda _: writer)
    await asyncio.sleep(0)
    await held.close()

    assert ends == ["partition writers that do not end"]
    release.set()


async def test_a_writer_that_takes_no_more_writes_all_that_it_took() -> None:
    """Also what does not fit into the current insert: an orderly stop waits for it."""
    topic = Topic(rejects_per_second=1e9)
    for number in range(3):
        await topic.take(fetched(GOOD, number * MANY))
    topic.good.refuse()
    async with topic.running(), asyncio.timeout(5):
        await topic.good.drained()

    assert topic.written[GOOD] == [MANY - 1, 2 * MANY - 1, 3 * MANY - 1]
