"""How the consumer connects Faust to what is tracked: commits, and what is fetched again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from streams.faust.transport import BatchConsumer
from streams.fetch.fetched_batch import Partition
from tests.streams.faust.consumers import LEFT, ScriptedThread, consumer_of, fetch
from tests.streams.faust.test_incarnation_guard import records


async def acknowledge(consumer: BatchConsumer, *numbers: int) -> None:
    """Deliver three batches of ten records, and acknowledge these of them."""
    messages = [message for _ in range(3) for message in await fetch(consumer)]
    for number in numbers:
        assert consumer.ack(messages[number])


@pytest.fixture
def thread() -> ScriptedThread:
    """Three fetches of ten records each."""
    return ScriptedThread(*({LEFT: records(first, first + 9)} for first in (0, 10, 20)))


async def test_the_acknowledged_prefix_is_committed(thread: ScriptedThread) -> None:
    """By Faust's own way from the acknowledgement to the commit."""
    consumer = consumer_of(thread)
    await acknowledge(consumer, 2, 0)

    await consumer.commit()
    await consumer.commit()

    assert thread.committed == [{LEFT: 10}]
    assert not consumer._acked  # Faust's list does not grow


async def test_a_commit_that_failed_is_made_again(thread: ScriptedThread) -> None:
    """Faust would count it as made."""
    consumer = consumer_of(thread)
    await acknowledge(consumer, 0)
    thread.takes_commits = False
    await consumer.commit()
    thread.takes_commits = True

    await consumer.commit()
    await consumer.commit()

    assert thread.committed == [{LEFT: 10}]


async def test_a_commit_that_fails_after_a_rebalance_is_not_made_again(
    thread: ScriptedThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was for another assignment."""
    consumer = consumer_of(thread)
    await acknowledge(consumer, 0)

    async def rebalanced(*_: Any) -> bool:
        await consumer.on_partitions_revoked({LEFT})
        await consumer.on_partitions_assigned({LEFT})
        return False

    monkeypatch.setattr(thread, "commit", rebalanced)
    await consumer.commit()
    monkeypatch.undo()
    await consumer.commit()

    assert thread.committed == []


async def test_what_did_not_arrive_is_fetched_again_and_not_committed(
    thread: ScriptedThread,
) -> None:
    """After a rewind only what was delivered before it counts."""
    consumer = consumer_of(thread)
    await acknowledge(consumer, 0, 2)

    await consumer.rewind(Partition(*LEFT), 10)
    await consumer.commit()
    await consumer.commit()

    assert thread.sought == [{LEFT: 10}]
    assert thread.committed == [{LEFT: 10}]


async def test_after_a_seek_nothing_that_was_acknowledged_is_committed(
    thread: ScriptedThread,
) -> None:
    """All of it comes again."""
    consumer = consumer_of(thread)
    await acknowledge(consumer, 0)

    await consumer.perform_seek()
    await consumer.commit()

    assert thread.committed == []


async def test_gaps_in_the_offsets_pass_nothing(thread: ScriptedThread) -> None:
    """Faust marks a gap as done before it is."""
    consumer = consumer_of(thread)
    await acknowledge(consumer, 2)

    await consumer._add_gap(LEFT, 0, 19)
    await consumer.commit()

    assert thread.committed == []


async def test_what_lies_before_the_noted_offsets_is_handed_on_and_committed(
    thread: ScriptedThread,
) -> None:
    """The noted offsets may be of another incarnation; Faust would drop it silently."""
    consumer = consumer_of(thread)
    consumer._read_offset[LEFT] = consumer._committed_offset[LEFT] = 50
    await acknowledge(consumer, 0)

    await consumer.commit()

    assert consumer._read_offset[LEFT] is None
    assert thread.committed == [{LEFT: 10}]


async def test_what_lies_past_the_noted_offsets_moves_no_commit_back(
    thread: ScriptedThread,
) -> None:
    """The usual case."""
    consumer = consumer_of(thread)
    consumer._committed_offset[LEFT] = 50

    consumer._let_pass(LEFT, 50)

    assert not consumer._should_commit(LEFT, 50)


async def test_no_commit_outlives_its_assignment(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a topic is missing aiokafka tries forever, then commits to the recreated one."""
    tried = asyncio.Event()

    async def commits_forever(*_: Any) -> bool:
        tried.set()
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(AIOKafkaConsumerThread, "_commit", commits_forever)
    assignment = SimpleNamespace(unassign_future=asyncio.Future())
    subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
    thread: Any = consumer_of(ScriptedThread())._new_consumer_thread()
    thread._consumer = SimpleNamespace(_subscription=subscription)

    committing = asyncio.create_task(thread._commit({LEFT: 50}))
    await tried.wait()
    assignment.unassign_future.set_result(None)

    assert await committing is False
