"""Sends records on to the partitions that their ids belong to, in a bounded number of batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.faust.crash import die
from streams.judge.moves import Move
from streams.partition.retry_policy import RetryPolicy

# One batch holds at least one record, however large; a record of an event topic is at most 2 MiB.
BATCH_BYTES: Final = 2**19
# How many batches of all partitions of a worker may be in flight.
MOST_BATCHES: Final = 4


class Mover:
    """Sends records on; all partitions of a worker share the limit of what is in flight.

    *producer* gives the producer, whose acks are all; a batch that is not acknowledged within
    *timeout_seconds* is sent again. Sent twice, a record is an ordinary repeat.
    """

    def __init__(
        self,
        producer: Callable[[], AIOKafkaProducer],
        retry_policy: RetryPolicy,
        timeout_seconds: float,
    ) -> None:
        self._producer = producer
        self._retry_policy = retry_policy
        self._timeout_seconds = timeout_seconds
        self._room = asyncio.Semaphore(MOST_BATCHES)

    async def send(self, topic: str, moves: Sequence[Move]) -> None:
        """Send *moves* to partitions of *topic*; returns when all of them are acknowledged."""
        await asyncio.gather(
            *(
                self._send(topic, partition, batches)
                for partition, batches in batched(moves).items()
            )
        )

    async def _send(self, topic: str, partition: int, batches: Sequence[Sequence[Move]]) -> None:
        """One batch after the other, to keep the order within a partition."""
        for batch in batches:
            async with self._room:
                send = partial(self._send_batch, topic, partition, batch)
                await self._retry_policy.until_done("move", send)

    async def _send_batch(self, topic: str, partition: int, batch: Sequence[Move]) -> None:
        builder = BatchBuilder(BATCH_BYTES, 0)
        for move in batch:
            builder.append(
                timestamp=None, key=move.key, value=move.value, headers=list(move.headers)
            )
        builder.close()
        producer = self._producer()
        async with asyncio.timeout(self._timeout_seconds):
            there = await producer.partitions_for(topic)
            if partition not in there:
                # The topic was recreated with fewer; what was judged here is of the old one.
                die(f"{topic} has no partition {partition}")
            sent = await producer.send_batch(builder, topic, partition=partition)
            # When the wait is cancelled, the batch goes on: it may be stored.
            await asyncio.shield(sent)


def batched(moves: Sequence[Move]) -> dict[int, list[list[Move]]]:
    """*moves* by partition, in batches that each fit into one of Kafka's."""
    found: dict[int, list[list[Move]]] = {}
    for partition in sorted({move.partition for move in moves}):
        mine = [move for move in moves if move.partition == partition]
        found[partition] = list(_batches(mine))
    return found


def _batches(moves: Sequence[Move]) -> Iterator[list[Move]]:
    batch: list[Move] = []
    size_bytes = 0
    for move in moves:
        if batch and size_bytes + move.size_bytes > BATCH_BYTES // 2:
            yield batch
            batch, size_bytes = [], 0
        batch.append(move)
        size_bytes += move.size_bytes
    if batch:
        yield batch
