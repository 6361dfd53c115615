"""What does the door ask of a publisher? Take a request's records; say which are not stored.

Lot        the records of one request for one topic
Receipt    what became of them so far; a record without a confirmation is not stored
Publisher  Kafka (`publish_kafka`), or memory (`publish_memory`), under one contract
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
    """Some records of one lot that are confirmed or not confirmed together."""

    record_group: int
    indexes: Sequence[int]


@dataclass(slots=True)
class Delivery:
    """What became of a request's records so far."""

    done: asyncio.Future[None]
    _outstanding: set[SubBatch] = field(default_factory=set)
    _failed: list[SubBatch] = field(default_factory=list)
    _sealed: bool = False

    def expect(self, batch_part: SubBatch) -> None:
        """Count *part* as not stored until it is confirmed."""
        self._outstanding.add(batch_part)

    def seal(self) -> None:
        """Say that no more parts come; `done` is set once each has its answer."""
        self._sealed = True
        self._settle()

    def confirm(self, batch_part: SubBatch) -> None:
        """*part* is stored durably."""
        self._outstanding.discard(batch_part)
        self._settle()

    def fail(self, batch_part: SubBatch) -> None:
        """*part* is not stored, or nobody knows."""
        if batch_part in self._outstanding:
            self._outstanding.discard(batch_part)
            self._failed.append(batch_part)
        self._settle()

    def not_stored(self) -> list[tuple[int, int]]:
        """(lot, place in it) of every record that is not confirmed, in order."""
        batch_parts = [*self._failed, *self._outstanding]
        return sorted(
            (batch_part.record_group, index)
            for batch_part in batch_parts
            for index in batch_part.indexes
        )

    def _settle(self) -> None:
        if self._sealed and not self._outstanding and not self.done.done():
            self.done.set_result(None)


class Publisher(Protocol):
    """Takes records for Kafka's topics."""

    def submit(self, record_groups: Sequence[RecordGroup]) -> Delivery:
        """Take *lots*, without waiting and without raising.

        A record is confirmed only after Kafka acknowledged it by all in-sync replicas. An
        unconfirmed one may turn up in its topic all the same. The receipt's `done` is set within a
        bounded time, whatever the broker does; cancelling the one who waits cancels no record.
        """

    def why_not_ready(self) -> str | None:
        """Why records could not be stored durably right now; None if they could."""
