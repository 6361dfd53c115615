"""Reads Kafka itself: where logs begin and end, what is committed, and the records.

Reads as the workers do (no records of open and aborted transactions) and joins no group, so that
reading commits and rebalances nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, NamedTuple, TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from railhead.audit.chain import Span
from railhead.kafka.topic_admin import (
    ANSWER_SECONDS,
    BrokerSilentError,
    TopicError,
    admin,
    read_topics,
)
from streams.faust.topic_ids import topic_ids
from streams.fetch.consumers import new_consumer

AT_ONCE = 5_000
WAIT_SECONDS = 30.0
FETCH_BYTES = 4 * 1024 * 1024
Record: TypeAlias = Any  # aiokafka's ConsumerRecord; the package has no types


class Position(NamedTuple):
    """A partition's log: `start` is the first offset kept, `end` the next one to be written.

    `committed` is the group's, None when it never committed. `born_ms` is when the broker appended
    the first record kept, in milliseconds since 1970; 0 when there is none. `incarnation` is the
    topic's id.
    """

    start: int
    end: int
    committed: int | None
    born_ms: int = 0
    incarnation: str = ""


def logs_of(positions: Mapping[int, Position]) -> dict[int, tuple[int, int]]:
    """Where each partition's log starts, and when its first record was appended."""
    return {number: (one.start, one.born_ms) for number, one in positions.items()}


def incarnation_of(positions: Mapping[int, Position]) -> str:
    """The topic's id."""
    return next((one.incarnation for one in positions.values()), "")


class KafkaLog:
    """The logs of one broker or cluster; made by `open_log`."""

    def __init__(self, bootstrap: str, consumer: AIOKafkaConsumer) -> None:
        self._bootstrap = bootstrap
        self._consumer = consumer

    async def positions(
        self, topics: Iterable[str], *, group: str = ""
    ) -> dict[str, dict[int, Position]]:
        """By topic and partition; a topic that does not exist is not in the answer.

        Commits are read first: a reader of the ledger afterwards finds all of that there.
        """
        async with admin(self._bootstrap) as client:
            there = await read_topics(client, topics)
            committed = await client.list_consumer_group_offsets(group) if group else {}
        known = [
            TopicPartition(name, number)
            for name, topic in there.items()
            for number in range(topic.partitions)
        ]
        ids = await topic_ids(self._consumer._client, there) if there else {}  # noqa: SLF001
        starts = await self._consumer.beginning_offsets(known)
        ends = await self._consumer.end_offsets(known)
        found: dict[str, dict[int, Position]] = {name: {} for name in there}
        for tp in known:
            offset = committed[tp].offset if tp in committed else -1
            found[tp.topic][tp.partition] = Position(
                starts[tp],
                ends[tp],
                None if offset < 0 else offset,
                await self._born_ms(tp, Span(starts[tp], ends[tp] - 1)),
                ids.get(tp.topic, ""),
            )
        return found

    async def _born_ms(self, tp: TopicPartition, kept: Span) -> int:
        async for batch in self.records(tp.topic, tp.partition, kept):
            return int(batch[0].timestamp)
        return 0

    async def ends(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """The next offset of each partition, as it is now."""
        wanted = [TopicPartition(topic, number) for number in partitions]
        ends = await self._consumer.end_offsets(wanted) if wanted else {}
        return {tp.partition: end for tp, end in ends.items()}

    async def count(self, topic: str, partition: int, span: Span) -> int:
        """How many records there are in *span*."""
        return sum([len(batch) async for batch in self.records(topic, partition, span)])

    async def records(self, topic: str, partition: int, span: Span) -> AsyncIterator[list[Record]]:
        """Yield the records of *span*, in order, some thousands at a time.

        Its offsets must be in the log now; those without a record are skipped.

        Raises:
            TopicError: the broker returned nothing for half a minute.
        """
        tp = TopicPartition(topic, partition)
        self._consumer.assign([tp])
        self._consumer.seek(tp, span.first)
        reached, give_up_at = span.first, monotonic() + WAIT_SECONDS
        while (position := await self._consumer.position(tp)) <= span.last:
            if position > reached:
                reached, give_up_at = position, monotonic() + WAIT_SECONDS
            elif monotonic() > give_up_at:
                raise TopicError(f"{topic}[{partition}] returns nothing from offset {reached} on")
            found = await self._consumer.getmany(tp, timeout_ms=200, max_records=AT_ONCE)
            batch = [record for record in found.get(tp, ()) if record.offset <= span.last]
            if batch:
                yield batch
            elif found.get(tp):
                return


@asynccontextmanager
async def open_log(bootstrap: str) -> AsyncIterator[KafkaLog]:
    """Connect to the broker at *bootstrap*.

    Raises:
        TopicError, KafkaError: it does not answer.
    """
    consumer = new_consumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="none",
        max_partition_fetch_bytes=FETCH_BYTES,
        # A fetch at the log's end would delay the next one, of another partition, for this long.
        fetch_max_wait_ms=20,
        request_timeout_ms=15_000,
    )
    try:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await consumer.start()
        except (KafkaError, TimeoutError) as error:
            why = str(error) or f"no answer within {ANSWER_SECONDS:g} s"
            raise BrokerSilentError(f"Kafka at {bootstrap}: {why}") from error
        yield KafkaLog(bootstrap, consumer)
    finally:
        await consumer.stop()
