"""Looks for what is missing in the store behind partitions from which nothing comes.

A partition writer looks before its first fetched batch. Where no record follows the committed
offset there is none, and what a restored store lacks would stay missing until one comes: so each
partition is checked once after it was assigned, and fetched from where something is missing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from faust.types import TP

from events.contract.registry import BY_TOPIC, TOPICS
from sinks.store import MAX_OFFSET
from streams.fetch.fetched_batch import Partition, without_records

if TYPE_CHECKING:
    from streams.app import Stream

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS: Final = 1.0


class Mending:
    """Checks the partitions of *stream* that have no writer yet."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._looked_at: set[TP] = set()
        self._generation = -1

    async def run(self) -> None:
        """Check until cancelled; trouble with broker or store is tried again, as everywhere."""
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            try:
                await self.look()
            except Exception:  # the next check may succeed, and writers check for themselves
                logger.exception("Could not look for what is missing in the store.")

    async def look(self) -> None:
        """Check each partition that was assigned since the last time and has no writer."""
        app = self._stream.app
        if not app.consumer or app.rebalancing or not app.tables.actives_ready:
            return
        generation = app.consumer_generation_id
        if generation != self._generation:
            self._looked_at.clear()
            self._generation = generation
        written = {TP(*writer.partition) for writer in self._stream.partition_writers}
        for tp in sorted(app.consumer.assignment() - self._looked_at - written):
            if app.rebalancing or app.consumer_generation_id != generation:
                return
            if tp.topic in TOPICS:
                incarnation = app.consumer.incarnation_of(tp.topic)
                if incarnation is None:
                    continue  # no row in the store could be assigned to this topic
                await self._look_at(Partition(*tp), incarnation)
            self._looked_at.add(tp)

    async def _look_at(self, partition: Partition, incarnation: str) -> None:
        consumer = self._stream.app.consumer
        start_offset = await consumer.start_offset_of(partition)
        # What comes next is unknown, and no range of the ledger covers it.
        nothing = replace(
            without_records(partition, start_offset, MAX_OFFSET, round(time.time() * 1000)),
            incarnation=incarnation,
        )
        table = BY_TOPIC[partition.topic].table if partition.topic in BY_TOPIC else "rejected"
        found = await self._stream.find_recovery_offset(table, nothing)
        if found.next_offset < start_offset:
            await consumer.rewind(partition, found.next_offset)
