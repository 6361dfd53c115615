"""What the consumer commits, and what it fetches again."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

from faust.types import TP

from streams.slices import Partition
from streams.transport import SliceConsumer

HERE = TP("topic", 0)


class Consumer(SliceConsumer):
    """The consumer's bookkeeping without a broker."""

    def __init__(self) -> None:
        self._delivered = defaultdict(deque)
        self._acked = defaultdict(list)
        self._acked_index = defaultdict(set)
        self._committed_offset = defaultdict(lambda: None)
        self._uncommitted = {}
        self._next = {}
        self.sought: list[tuple[TP, int]] = []

    def deliver(self, *ends: int) -> None:
        """Slices ending at these offsets were handed on."""
        self._delivered[HERE].extend(ends)

    def done(self, *ends: int) -> None:
        """Slices ending at these offsets were acknowledged."""
        self._acked[HERE].extend(ends)
        self._acked_index[HERE].update(ends)

    async def seek_wait(self, partitions: dict[TP, int]) -> None:
        """Note where fetching goes on."""
        self.sought += list(partitions.items())


def test_offsets_are_committed_in_order_only() -> None:
    """A slice that is not acknowledged holds back all that come after it."""
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
