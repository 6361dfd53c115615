"""The contract of a publisher: it takes the records of a request and says which are not stored.

RecordGroup  the records of one request for one topic
Delivery     their state so far; a record without a confirmation is not stored
Publisher    Kafka (`kafka_publisher`); tests have one in memory, under the same contract
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

Headers = list[tuple[str, bytes]]
Value = bytes | msgspec.Raw


@dataclass(frozen=True, slots=True)
class RecordGroup:
    """Records of one request for one topic: `keys` and `values` are of one length."""

    topic: str
    keys: Sequence[bytes]
    values: Sequence[Value]
    headers: Headers


@dataclass(slots=True, eq=False)
class SubBatch:
    """Some records of one record group that are confirmed or not confirmed together."""

    record_group: int
    indexes: Sequence[int]


@dataclass(slots=True)
class Delivery:
    """The state of a request's records so far."""

    done: asyncio.Future[None]
    _outstanding: set[SubBatch] = field(default_factory=set)
    _failed: list[SubBatch] = field(default_factory=list)
    _sealed: bool = False

    def expect(self, sub_batch: SubBatch) -> None:
        """Count *sub_batch* as not stored until it is confirmed."""
        self._outstanding.add(sub_batch)

    def seal(self) -> None:
        """Say that no more sub-batches follow; `done` is set once each has its answer."""
        self._sealed = True
        self._settle()

    def confirm(self, sub_batch: SubBatch) -> None:
        """Note that *sub_batch* is stored durably."""
        self._outstanding.discard(sub_batch)
        self._settle()

    def fail(self, sub_batch: SubBatch) -> None:
        """Note that *sub_batch* is not stored, or that nobody knows."""
        if sub_batch in self._outstanding:
            self._outstanding.discard(sub_batch)
            self._failed.append(sub_batch)
        self._settle()

    def not_stored(self) -> list[tuple[int, int]]:
        """(record group, index in it) of every record that is not confirmed, in order."""
        sub_batches = [*self._failed, *self._outstanding]
        return sorted(
            (sub_batch.record_group, index)
            for sub_batch in sub_batches
            for index in sub_batch.indexes
        )

    def _settle(self) -> None:
        if self._sealed and not self._outstanding and not self.done.done():
            self.done.set_result(None)


class Publisher(Protocol):
    """Takes records for Kafka's topics."""

    def submit(self, record_groups: Sequence[RecordGroup]) -> Delivery:
        """Take *record_groups*, without waiting and without raising.

        A record is confirmed only after Kafka acknowledged it by all in-sync replicas. An
        unconfirmed one may still appear in its topic. The delivery's `done` is set within a bounded
        time, whatever the broker does; cancelling the waiting request cancels no record.
        """

    def why_not_ready(self) -> str | None:
        """Why records could not be stored durably right now; None if they could."""
