"""A revoked partition's writer is dropped with all that it holds.

The memory limit is shared by all writers of a worker: what one keeps after its end, no other could
use for the rest of the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from streams.fetch import fetched_batch as fetched_batch_module
from streams.fetch.fetched_batch import FetchedBatch
from streams.pacing import memory_limit
from streams.partition import writers
from streams.recovery.recovery_offset import RecoveryOffset
from tests.streams.simulation import PARTITION, Moments, Worker, World

WITHIN_SECONDS = 5


class Gate:
    """Holds up a call until it is opened, and shows when the call has come."""

    def __init__(self, call: Callable[..., Awaitable[Any]]) -> None:
        self._call = call
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, *given: Any, **options: Any) -> Any:
        """Do what was to be done, once the gate is open."""
        self.reached.set()
        await self.open.wait()
        return await self._call(*given, **options)


@pytest.fixture(autouse=True)
def no_bytes_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a writer that holds anything wait: the simulation's batches are small."""
    monkeypatch.setattr(memory_limit, "ALWAYS_BYTES", 1)
    monkeypatch.setattr(fetched_batch_module, "RECORD_BYTES", 0)


@pytest.fixture
def worker() -> Worker:
    """A worker whose partition has five batches of nine bytes; its memory limit is twenty."""
    return Worker(World([(str(number), "1") for number in range(15)]), Moments(), 1)


def batches(worker: Worker) -> Iterator[FetchedBatch]:
    """The partition's batches, from the first on."""
    return worker.world.batches(0, [3])


async def take(worker: Worker, fetched: FetchedBatch) -> None:
    """Hand *fetched* to the writer and return when it has taken or dropped it."""
    async with asyncio.timeout(WITHIN_SECONDS):
        await worker.take(fetched)


async def filled(worker: Worker) -> Iterator[FetchedBatch]:
    """Take batches until no more may be taken; returns those that are left."""
    rest = batches(worker)
    while worker.writer.has_room:
        await take(worker, next(rest))
    assert worker.writer._memory_limit.held_bytes >= 20
    return rest


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel *task*, as the end of a writer does."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_closed_writer_gives_back_what_was_queued(worker: Worker) -> None:
    """All of it, and once however often it is closed."""
    await filled(worker)

    await worker.writer.close()
    await worker.writer.close()

    assert worker.writer._memory_limit.held_bytes == 0


async def test_a_closed_writer_drops_what_waits_for_the_memory_limit(worker: Worker) -> None:
    """The batch that waited is dropped: it is delivered again to the owner."""
    rest = await filled(worker)
    waiting = asyncio.create_task(take(worker, next(rest)))
    await asyncio.sleep(0)
    assert not waiting.done()

    await worker.writer.close()
    await waiting

    assert worker.writer._memory_limit.held_bytes == 0


async def test_a_writer_closed_while_it_asks_the_store_queues_nothing(worker: Worker) -> None:
    """A rebalance does not wait until it is known where to go on; the answer comes too late."""
    writer = worker.writer
    asking = Gate(writer._find_recovery_offset)
    writer._find_recovery_offset = asking
    taking = asyncio.create_task(take(worker, next(batches(worker))))
    await asking.reached.wait()

    await writer.close()
    asking.open.set()
    await taking

    assert writer._memory_limit.held_bytes == 0
    assert writer.waiting_since is None


async def test_a_range_written_after_the_close_is_not_given_back_again(worker: Worker) -> None:
    """Nor is it acknowledged: its batches are the new owner's."""
    writer = worker.writer
    storing = Gate(worker.store.insert)
    worker.store.insert = storing  # type: ignore[method-assign]
    running = asyncio.create_task(writer.run())
    await filled(worker)
    async with asyncio.timeout(WITHIN_SECONDS):
        await storing.reached.wait()

        await writer.close()
        storing.open.set()
        # The loop ends by itself: the range that was in work is the last.
        await running

    assert worker.world.ledger, "the range was written to its end"
    assert writer._memory_limit.held_bytes == 0
    assert worker.world.committed is None


async def test_a_closed_writer_counts_as_drained(worker: Worker) -> None:
    """What was queued is never written, so nobody is to wait for it."""
    await filled(worker)
    early = asyncio.create_task(worker.writer.drained())
    await asyncio.sleep(0)
    assert not early.done()

    await worker.writer.close()

    async with asyncio.timeout(WITHIN_SECONDS):
        await early
        await worker.writer.drained()


async def test_an_agent_before_a_hole_goes_on_when_its_writer_is_closed(worker: Worker) -> None:
    """It waits until all before the hole is written; it would stand still after a rebalance."""
    first, _, third, *_ = batches(worker)
    await take(worker, first)
    worker.world.log_start = third.first
    waiting = asyncio.create_task(take(worker, third))
    await asyncio.sleep(0)
    assert not waiting.done()

    await worker.writer.close()

    await waiting
    assert worker.writer._memory_limit.held_bytes == 0


async def test_an_orderly_stop_does_not_wait_for_what_a_rebalance_dropped(worker: Worker) -> None:
    """Both may come at once: the stop of one worker is a rebalance to the group."""
    # No store, so nothing is ever written.
    worker.store.insert = Gate(worker.store.insert)  # type: ignore[method-assign]
    held = writers.PartitionWriters()
    held.of(PARTITION, lambda _: worker.writer)
    await filled(worker)
    stopping = asyncio.create_task(held.finish(timeout_seconds=WITHIN_SECONDS))
    await asyncio.sleep(0)
    assert not stopping.done()

    await held.close()

    await stopping


async def test_a_writer_that_is_to_take_no_more_still_writes_what_it_has(worker: Worker) -> None:
    """Also what came while a batch was written: an orderly stop leaves nothing to do again."""
    storing = Gate(worker.store.insert)
    worker.store.insert = storing  # type: ignore[method-assign]
    held = writers.PartitionWriters()
    held.of(PARTITION, lambda _: worker.writer)
    first, second, *_ = batches(worker)
    await take(worker, first)
    async with asyncio.timeout(WITHIN_SECONDS):
        await storing.reached.wait()
    await take(worker, second)
    stopping = asyncio.create_task(held.finish(timeout_seconds=WITHIN_SECONDS))
    await asyncio.sleep(0)

    storing.open.set()
    await stopping

    assert [(entry.first, entry.last) for entry in worker.world.ledger] == [(0, 2), (3, 5)]
    assert worker.world.committed == 6
    await held.close()


@pytest.mark.parametrize(("least", "generation"), [(0, 1), (1, 1), (2, 2), (9, 9)])
async def test_what_is_stored_again_is_of_no_lower_generation(
    worker: Worker, least: int, generation: int
) -> None:
    """Otherwise the ledger row that it replaces would hide its own."""
    find = worker.writer._find_recovery_offset

    async def found(fetched: FetchedBatch) -> RecoveryOffset:
        return replace(await find(fetched), generation=least)

    worker.writer._find_recovery_offset = found
    await worker.live([3])

    assert {entry.generation for entry in worker.world.ledger} == {generation}
