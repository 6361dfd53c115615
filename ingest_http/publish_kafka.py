"""How does a record get into Kafka durably? One producer, one orderly writer for each partition.

Idempotence is off, and that is meant: with it, aiokafka's batches never expire, so a broker that is
down would hold requests and the shutdown for ever, and one lost sequence number kills the producer.
What it would give, no repeat when an acknowledgement is lost, is given behind the topic by id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka.errors import KafkaError

from events.partitioner import partitions_of
from ingest_http.kafka_batch import KafkaBatch
from ingest_http.kafka_link import KafkaLink
from ingest_http.partition_writer import PartitionWriter
from ingest_http.publish import Lot, Part, Receipt

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaOptions:
    """How batches are made and how long the broker may take for one."""

    batch_bytes: int = 900_000
    compression: str = "none"
    timeout_seconds: float = 8.0


class KafkaPublisher:
    """Publishes over *link*, which may come and go; see `Publisher` for what is promised."""

    def __init__(self, link: KafkaLink, options: KafkaOptions) -> None:
        self._link = link
        self._options = options
        self._writers: dict[tuple[str, int], PartitionWriter] = {}

    def submit(self, lots: Sequence[Lot]) -> Receipt:
        """See `Publisher`."""
        receipt = Receipt(asyncio.get_running_loop().create_future())
        for number, lot in enumerate(lots):
            count = self._link.partitions.get(lot.topic, 0)
            if count == 0:
                self._refuse(receipt, number, lot)
            elif count == 1:
                self._writer(lot.topic, 0).add(receipt, number, lot, range(len(lot.keys)))
            else:
                self._spread(receipt, number, lot, count)
        receipt.seal()
        return receipt

    def why_not_ready(self) -> str | None:
        """See `Publisher`."""
        return self._link.why_down()

    def _refuse(self, receipt: Receipt, number: int, lot: Lot) -> None:
        part = Part(number, range(len(lot.keys)))
        receipt.expect(part)
        receipt.fail(part)

    def _spread(self, receipt: Receipt, number: int, lot: Lot, count: int) -> None:
        places: list[list[int]] = [[] for _ in range(count)]
        for place, partition in enumerate(partitions_of(lot.keys, count)):
            places[partition].append(place)
        for partition, chosen in enumerate(places):
            if chosen:
                self._writer(lot.topic, partition).add(receipt, number, lot, chosen)

    def _writer(self, topic: str, partition: int) -> PartitionWriter:
        writer = self._writers.get((topic, partition))
        if writer is None:

            async def send(batch: KafkaBatch) -> bool:
                return await self._send(batch, topic, partition)

            writer = PartitionWriter(send=send, new_batch=self._new_batch)
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
                # Its late answer has to be heard even after the time is up.
                answer.add_done_callback(_hear)
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


def _hear(answer: asyncio.Future[object]) -> None:
    if not answer.cancelled():
        answer.exception()
