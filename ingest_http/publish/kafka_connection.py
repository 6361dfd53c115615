"""The connection to Kafka: makes the producer, watches it and replaces it.

The ingest API starts and answers without a broker (503) and tries again every second. A producer
that died, or that has not reached its broker for long (brokers may have moved), is replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from time import monotonic
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS: Final = 1.0
LOOK_TIMEOUT_SECONDS: Final = 3.0
START_TIMEOUT_SECONDS: Final = 5.0
STOP_TIMEOUT_SECONDS: Final = 3.0
REPLACE_AFTER_SECONDS: Final = 30.0
BACK_OFF_SECONDS: Final = 1.0


class KafkaLink:
    """A producer for *topics* on *bootstrap*, whenever there is a broker; `run` maintains it."""

    def __init__(self, bootstrap: str, topics: Sequence[str], *, timeout_seconds: float) -> None:
        self._bootstrap = bootstrap
        self._topics = tuple(topics)
        self._timeout_seconds = timeout_seconds
        self._down: str | None = "the broker was not reached yet"
        self._failed_at = -BACK_OFF_SECONDS
        self.producer: AIOKafkaProducer | None = None
        self.partitions: dict[str, int] = {}
        self.replaced = 0

    def why_down(self) -> str | None:
        """Why nothing can be stored now; None if it probably can."""
        if self._down is None and monotonic() - self._failed_at < BACK_OFF_SECONDS:
            return "the broker did not acknowledge a moment ago"
        return self._down

    def failed(self, error: Exception) -> None:
        """Note that a batch failed; unless the batch is to blame, nothing is sent for a second."""
        if isinstance(error, TimeoutError) or getattr(error, "retriable", False):
            self._failed_at = monotonic()

    def worked(self) -> None:
        """Note that a batch was acknowledged."""
        self._failed_at = -BACK_OFF_SECONDS

    async def run(self) -> None:
        """Keep a producer running until cancelled, then stop it within seconds."""
        try:
            while True:
                await self._connect()
                await self._watch()
                self.replaced += 1
                await self._stop_producer()
        finally:
            await self._stop_producer()

    async def _connect(self) -> None:
        while self.producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                client_id="railhead-door",
                acks="all",
                enable_idempotence=False,
                request_timeout_ms=int(self._timeout_seconds * 1000),
                max_request_size=16 * 1024 * 1024,
                linger_ms=0,
            )
            try:
                async with asyncio.timeout(START_TIMEOUT_SECONDS):
                    await producer.start()
            except (KafkaError, OSError, TimeoutError) as error:
                self._set_down(f"no broker answers at {self._bootstrap} ({type(error).__name__})")
                await _stop(producer)
                await asyncio.sleep(LOOK_EVERY_SECONDS)
            else:
                producer.client.set_topics(self._topics)
                self.producer = producer

    async def _watch(self) -> None:
        seen_at = monotonic()
        while self.producer is not None and not _died(self.producer):
            self._set_down(await self._look(self.producer))
            if self._down is None:
                seen_at = monotonic()
            elif monotonic() - seen_at > REPLACE_AFTER_SECONDS:
                log.error("broker not reachable for long, making a new producer")
                return
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        log.error("the producer died, making a new one")

    def _set_down(self, down: str | None) -> None:
        if down != self._down:
            log.log(
                logging.INFO if down is None else logging.WARNING,
                "broker reached" if down is None else "broker not usable",
                extra={"bootstrap": self._bootstrap, "reason": down},
            )
        self._down = down

    async def _look(self, producer: AIOKafkaProducer) -> str | None:
        cluster = producer.client.cluster
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_SECONDS):
                updated = await producer.client.force_metadata_update()
        except TimeoutError:
            return "the broker does not answer"
        if not updated:
            return "the broker is not reachable"
        self.partitions = {
            topic: len(cluster.partitions_for_topic(topic) or ()) for topic in self._topics
        }
        for topic in self._topics:
            known = cluster.partitions_for_topic(topic) or set()
            if not known:
                return f"topic {topic} is missing; `railhead topics` makes it"
            if known != (cluster.available_partitions_for_topic(topic) or set()):
                return f"a partition of {topic} has no leader"
        return None

    async def _stop_producer(self) -> None:
        producer, self.producer = self.producer, None
        self._down = "the producer is stopped"
        if producer is not None:
            await _stop(producer)


def _died(producer: AIOKafkaProducer) -> bool:
    task = producer._sender.sender_task  # noqa: SLF001 - aiokafka has no other way to ask
    return task is None or task.done()


async def _stop(producer: AIOKafkaProducer) -> None:
    # Without a broker, stop() waits for its batches; their requests are answered already.
    with contextlib.suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
            await producer.stop()
