"""Publishes records to Kafka durably: one producer, and one ordered writer per partition.

Idempotence is off on purpose: with it, aiokafka's batches never expire, so a broker that is down
would block requests and the shutdown without end, and one lost sequence number kills the producer.
What it would give, no repeat when an acknowledgement is lost, the workers give by id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka.errors import KafkaError

from events.contract.partitioner import partitions_of
from ingest_http.publish.kafka_batch import KafkaBatch
from ingest_http.publish.kafka_connection import KafkaLink
from ingest_http.publish.publisher import Delivery, RecordGroup, SubBatch
from ingest_http.publish.record_accumulator import RecordAccumulator

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaOptions:
    """How batches are made and how long the broker may take for one."""

    batch_bytes: int = 900_000
    compression: str = "none"
    timeout_seconds: float = 8.0


class KafkaPublisher:
    """Publishes over *link*, which may fail and recover; see `Publisher` for the contract."""

    def __init__(self, link: KafkaLink, options: KafkaOptions) -> None:
        self._link = link
        self._options = options
        self._writers: dict[tuple[str, int], RecordAccumulator] = {}

    def submit(self, record_groups: Sequence[RecordGroup]) -> Delivery:
        """See `Publisher`."""
        delivery = Delivery(asyncio.get_running_loop().create_future())
        for number, record_group in enumerate(record_groups):
            count = self._link.partitions.get(record_group.topic, 0)
            if count == 0:
                self._refuse(delivery, number, record_group)
            elif count == 1:
                self._writer(record_group.topic, 0).add(
                    delivery, number, record_group, range(len(record_group.keys))
                )
            else:
                self._spread(delivery, number, record_group, count)
        delivery.seal()
        return delivery

    def why_not_ready(self) -> str | None:
        """See `Publisher`."""
        return self._link.why_down()

    def _refuse(self, delivery: Delivery, number: int, record_group: RecordGroup) -> None:
        sub_batch = SubBatch(number, range(len(record_group.keys)))
        delivery.expect(sub_batch)
        delivery.fail(sub_batch)

    def _spread(
        self, delivery: Delivery, number: int, record_group: RecordGroup, count: int
    ) -> None:
        indexes: list[list[int]] = [[] for _ in range(count)]
        for index, partition in enumerate(partitions_of(record_group.keys, count)):
            indexes[partition].append(index)
        for partition, chosen in enumerate(indexes):
            if chosen:
                self._writer(record_group.topic, partition).add(
                    delivery, number, record_group, chosen
                )

    def _writer(self, topic: str, partition: int) -> RecordAccumulator:
        writer = self._writers.get((topic, partition))
        if writer is None:

            async def send(batch: KafkaBatch) -> bool:
                return await self._send(batch, topic, partition)

            writer = RecordAccumulator(send=send, new_batch=self._new_batch)
            self._writers[topic, partition] = writer
        return writer

    def _new_batch(self) -> KafkaBatch:
        return KafkaBatch(self._options.batch_bytes, self._options.compression)

    async def _send(self, batch: KafkaBatch, topic: str, partition: int) -> bool:
        """Tell whether *batch* is acknowledged in time; if not, it may be stored or not."""
        producer = self._link.producer
        if producer is None:
            return False
        batch.close()
        try:
            async with asyncio.timeout(self._options.timeout_seconds):
                answer = await producer.send_batch(batch, topic, partition=partition)
                # A late error must be retrieved even after the time-out.
                answer.add_done_callback(_retrieve_error)
                await asyncio.wait({answer})
            answer.result()
        except (KafkaError, TimeoutError) as error:
            log.error(  # noqa: TRY400 - the trace would say nothing more
                "batch not stored",
                extra={"topic": topic, "partition": partition, "reason": repr(error)},
            )
            self._link.failed(error)
            return False
        self._link.worked()
        return True


def _retrieve_error(answer: asyncio.Future[object]) -> None:
    if not answer.cancelled():
        answer.exception()
