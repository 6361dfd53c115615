"""What the consumer commits, and what it fetches again."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from streams.faust.positions import FetchPositions
from streams.faust.transport import BatchConsumer, BatchConsumerThread
from streams.fetch.fetched_batch import Partition

HERE = TP("topic", 0)


class Consumer(BatchConsumer):
    """The consumer's bookkeeping without a broker."""

    def __init__(self) -> None:
        self._delivered = defaultdict(deque)
        self._acked: dict[TP, list[int]] = defaultdict(list)
        self._acked_index: dict[TP, set[int]] = defaultdict(set)
        self._committed_offset: dict[TP, int | None] = defaultdict(lambda: None)
        self._uncommitted = {}
        self._positions = FetchPositions()
        self._read_offset: dict[TP, int | None] = defaultdict(lambda: None)
        self.sought: list[tuple[TP, int]] = []

    def deliver(self, *ends: int) -> None:
        """Batches ending at these offsets were handed on."""
        self._delivered[HERE].extend(ends)

    def done(self, *ends: int) -> None:
        """Batches ending at these offsets were acknowledged."""
        self._acked[HERE].extend(ends)
        self._acked_index[HERE].update(ends)

    async def seek_wait(self, partitions: dict[TP, int]) -> None:
        """Note where fetching goes on."""
        self.sought += list(partitions.items())


def test_offsets_are_committed_in_order_only() -> None:
    """Nothing after a batch that is not acknowledged is committed."""
    consumer = Consumer()
    consumer.deliver(9, 19, 29)
    consumer.done(29, 19)

    assert consumer._new_offset(HERE) is None
    consumer.done(9)
    assert consumer._new_offset(HERE) == 30
    assert consumer._new_offset(HERE) is None


def test_nothing_is_committed_of_a_new_group_before_it_is_acknowledged() -> None:
    """Without a commit yet the rule is the same (Faust has no guard there)."""
    consumer = Consumer()
    consumer.deliver(99, 199)
    consumer.done(199)

    assert consumer._new_offset(HERE) is None


def test_a_commit_that_failed_is_made_again() -> None:
    """Faust would count it as made."""
    consumer = Consumer()
    consumer._uncommitted[HERE] = 30
    consumer._committed_offset[HERE] = 30

    assert list(consumer._filter_tps_with_pending_acks()) == [HERE]
    assert consumer._new_offset(HERE) == 30
    assert consumer._should_commit(HERE, 30)


async def test_what_did_not_arrive_is_fetched_again_and_not_committed() -> None:
    """After a rewind only what was delivered before it counts."""
    consumer = Consumer()
    consumer.deliver(9, 19, 29)
    consumer.done(9, 29)

    await consumer.rewind(Partition("topic", 0), 10)

    assert consumer.sought == [(HERE, 10)]
    assert consumer._new_offset(HERE) == 10
    consumer.deliver(19)
    assert consumer._new_offset(HERE) is None


async def test_gaps_in_the_offsets_pass_nothing() -> None:
    """Faust marks a gap as done before it is."""
    consumer: Any = Consumer()
    consumer.deliver(9)

    await consumer._add_gap(HERE, 0, 9)

    assert consumer._new_offset(HERE) is None


def test_what_lies_before_the_noted_offsets_is_handed_on_and_committed() -> None:
    """The noted offsets may be of another incarnation; Faust would drop it silently."""
    consumer = Consumer()
    consumer._read_offset[HERE] = consumer._committed_offset[HERE] = 50

    consumer._let_pass(HERE, 0)

    assert consumer._read_offset[HERE] is None
    assert consumer._should_commit(HERE, 3)


def test_what_lies_past_the_noted_offsets_moves_no_commit_back() -> None:
    """The usual case."""
    consumer = Consumer()
    consumer._committed_offset[HERE] = 50

    consumer._let_pass(HERE, 50)

    assert not consumer._should_commit(HERE, 50)


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
    thread: Any = BatchConsumerThread.__new__(BatchConsumerThread)
    thread._consumer = SimpleNamespace(_subscription=subscription)

    committing = asyncio.create_task(thread._commit({HERE: 50}))
    await tried.wait()
    assignment.unassign_future.set_result(None)

    assert await committing is False
