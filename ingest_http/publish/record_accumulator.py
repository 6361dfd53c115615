"""Writes one partition in order: one batch at a time, while the next one grows.

aiokafka keeps one open batch per partition and lets all others wait in no order, so that many
requests at once starve each other until their time-out. Here requests never wait for a turn: their
records join the batch that goes next, and under load batches grow by themselves.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import failpoints
from ingest_http.publish.kafka_batch import KafkaBatch
from ingest_http.publish.publisher import Delivery, RecordGroup, SubBatch

Send = Callable[[KafkaBatch], Awaitable[bool]]


class RecordAccumulator:
    """Writes one partition through `send(batch)`, which says whether the batch is stored."""

    def __init__(self, *, send: Send, new_batch: Callable[[], KafkaBatch]) -> None:
        self._send = send
        self._new_batch = new_batch
        self._next: deque[KafkaBatch] = deque()
        self._task: asyncio.Task[None] | None = None

    def add(
        self, delivery: Delivery, number: int, record_group: RecordGroup, indexes: Sequence[int]
    ) -> None:
        """Take the records at *indexes* of *record_group*, the *number*-th of *delivery*."""
        now_ms = time.time_ns() // 1_000_000
        while indexes:
            batch = self._open()
            taken = batch.extend(record_group, indexes, timestamp_ms=now_ms)
            if taken:
                sub_batch = SubBatch(number, indexes[:taken])
                delivery.expect(sub_batch)
                batch.waiting.append((delivery, sub_batch))
            indexes = indexes[taken:]
        if self._task is None:
            self._task = asyncio.create_task(self._write())

    def _open(self) -> KafkaBatch:
        if not self._next or self._next[-1].closed():
            self._next.append(self._new_batch())
        return self._next[-1]

    async def _write(self) -> None:
        try:
            while self._next:
                batch = self._next.popleft()
                stored = False
                try:
                    stored = await self._send(batch)
                finally:
                    # In any case: its requests are waiting, and hold memory.
                    batch.settle(stored=stored)
                if batch.left_some_waiting:
                    failpoints.passing("door.after_some_produced")
                if not stored:
                    # The next batches would fail as slowly: better answer their clients now.
                    self._give_up()
        finally:
            self._task = None
            self._give_up()

    def _give_up(self) -> None:
        while self._next:
            self._next.popleft().settle(stored=False)
