"""Counts the records in Kafka that have no outcome in the ledger yet; zero means none."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from clickhouse_connect.driver.client import Client

from events.contract.registry import TOPICS
from railhead.kafka.topic_admin import TopicError, admin, read_topics
from streams.fetch.consumers import new_consumer

DEADLINE_SECONDS: Final = 10.0

# A worker writes the ranges of one partition in the order of their offsets.
_REACHED: Final = (
    "SELECT topic, partition, max(last) + 1 FROM fasttrack.ledger GROUP BY topic, partition"
)


class KeptOffsets(NamedTuple):
    """The first offset that a partition still has, and the one after its last."""

    start: int
    end: int


Ends = Mapping[tuple[str, int], KeptOffsets]


@dataclass(frozen=True, slots=True)
class Lag:
    """Records that have no outcome yet, in all and by topic; topics without any are left out."""

    by_topic: Mapping[str, int]

    @property
    def records(self) -> int:
        """All of them."""
        return sum(self.by_topic.values())


async def read_ends(bootstrap: str, *, answer_seconds: float = DEADLINE_SECONDS) -> Ends:
    """Return where each partition of each of our topics begins and ends.

    The broker may take *answer_seconds* for each answer.

    Raises:
        TopicError: the broker does not answer, refuses, or does not have all of our topics.
    """
    async with admin(bootstrap, answer_seconds=answer_seconds) as client:
        topics = await read_topics(client, TOPICS)
    if missing := sorted(set(TOPICS) - topics.keys()):
        msg = f"no topic {', '.join(missing)}; `railhead topics` creates them"
        raise TopicError(msg)
    partitions = [
        TopicPartition(name, number)
        for name, topic in topics.items()
        for number in range(topic.partitions)
    ]
    consumer = new_consumer(bootstrap_servers=bootstrap)
    try:
        async with asyncio.timeout(answer_seconds):
            await consumer.start()
            starts = await consumer.beginning_offsets(partitions)
            ends = await consumer.end_offsets(partitions)
    except (KafkaError, TimeoutError, OSError) as error:
        msg = f"Kafka at {bootstrap}: {str(error) or 'no answer'}"
        raise TopicError(msg) from error
    finally:
        await consumer.stop()
    return {(key.topic, key.partition): KeptOffsets(starts[key], end) for key, end in ends.items()}


def lag_behind(ends: Ends, client: Client) -> Lag:
    """Compare *ends* with the ledger; what Kafka has deleted does not count as lag.

    Raises:
        clickhouse_connect.driver.exceptions.Error: ClickHouse refuses.
    """
    reached = {(topic, number): end for topic, number, end in client.query(_REACHED).result_rows}
    by_topic: dict[str, int] = {}
    for (topic, number), kept in ends.items():
        behind = kept.end - max(kept.start, reached.get((topic, number), 0))
        if behind > 0:
            by_topic[topic] = by_topic.get(topic, 0) + behind
    return Lag(by_topic)
