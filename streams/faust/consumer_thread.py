"""The thread in which aiokafka's consumer runs: what a fetch asks for, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.transport.drivers.aiokafka import Transport as KafkaTransport
from faust.types import TP

from streams.alarms import end_in_another_incarnation
from streams.faust.fetch_by_id import Incarnations
from streams.fetch.fetched_batch import FetchedBatch
from streams.fetch.fetcher_seam import as_batches, install

# The broker answers a fetch at once when any partition asked for has records. aiokafka leaves out
# partitions whose records are still being taken, so a fetch may ask for idle ones only and would
# delay the others for as long as it waits: Faust's fixed 1,500 ms stopped the busy ones.
FETCH_MAX_WAIT_MS = 40

# Under light load the broker gathers records for that long, as each fetch costs some milliseconds
# here, however little it brings. Under heavy load enough is always there.
FETCH_MIN_BYTES = 2**16


class BatchConsumerThread(AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer thread: a shorter wait at the broker, and event topics in batches."""

    def __post_init__(self) -> None:
        """Begin without any topic's id."""
        super().__post_init__()
        self.incarnations = Incarnations()

    def _create_worker_consumer(self, transport: KafkaTransport) -> Any:
        install()
        consumer = super()._create_worker_consumer(transport)
        # Faust has no settings for these.
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS  # noqa: SLF001
        consumer._fetch_min_bytes = FETCH_MIN_BYTES  # noqa: SLF001
        # Records of aborted transactions count as never sent.
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        self.incarnations.guard(consumer._client)  # noqa: SLF001
        return consumer

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit as Faust does, but only while the assignment that it is for lasts.

        aiokafka tries again without end while a topic is missing, and across rebalances: it would
        succeed once the topic is recreated, whose offsets these are not.
        """
        subscription = self._ensure_consumer()._subscription.subscription  # noqa: SLF001
        if subscription is None or subscription.assignment is None:
            return False
        ended = subscription.assignment.unassign_future
        committing = asyncio.ensure_future(super()._commit(offsets))
        try:
            await asyncio.wait({committing, ended}, return_when=asyncio.FIRST_COMPLETED)
            return committing.done() and bool(committing.result())
        finally:
            committing.cancel()

    async def _fetch_records(self, consumer: Any, *args: Any, **options: Any) -> Mapping[TP, Any]:
        """A fetched batch for each event partition, records for each changelog partition.

        Ends the process when a topic was recreated: the next one asks the store what it has.
        """
        topics = {tp.topic for tp in consumer.assignment()}
        recreated = await self.incarnations.refresh(consumer._client, topics)  # noqa: SLF001
        if recreated:
            end_in_another_incarnation(recreated)
        with as_batches(lambda tp: not self.consumer._is_changelog_tp(tp)):  # noqa: SLF001
            found = await super()._fetch_records(consumer, *args, **options)
        ids = self.incarnations.ids
        return {
            tp: replace(fetched, incarnation=ids.get(tp.topic, ""))
            if isinstance(fetched, FetchedBatch)
            else fetched
            for tp, fetched in found.items()
        }
