"""The durable dedup index: a Faust table whose changelog holds a block a fetched batch.

The table's store is the dedup index: recovery feeds changelog blocks into it, and forgetting is
dropping segments, so no tombstone is ever written and recovery cannot wait for a tail that
compaction removed (pitfalls.md#b2). The changelog topic expires by time, a little after the window.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import faust
import numpy as np
from faust.stores.base import Store
from faust.types import TP, EventT

import failpoints
from streams.dedup.blocks import IdBlock, UnreadableBlock, pack, unpack
from streams.dedup.index import DedupIndex

logger = logging.getLogger(__name__)

# A block is appended after the records whose ids it holds, by brokers whose clocks may differ.
CLOCKS_DIFFER_MS: Final = 86_400_000
# Recovery gathers a thousand records before it applies them, whatever their size.
GATHERED_BYTES: Final = 4 * 2**20


class DedupStore(Store):  # type: ignore[misc]
    """The remembered ids of every partition this worker holds, as Faust's table storage."""

    def __init__(self, url: Any, app: Any, table: Any, **kwargs: Any) -> None:
        super().__init__(url, app, table, **kwargs)
        self.indexes: dict[int, DedupIndex] = {}
        self.unreadable = 0
        self._applied: dict[TP, int] = {}

    def index(self, partition: int) -> DedupIndex:
        """The ids remembered for *partition*, empty at first."""
        if partition not in self.indexes:
            self.indexes[partition] = DedupIndex(self.table.window_ms)
        return self.indexes[partition]

    def persisted_offset(self, tp: TP) -> int | None:
        """Last changelog offset applied, so that a kept partition is not read again."""
        return self._applied.get(tp)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Note that this worker has written *offset*: it is applied, if all before it are.

        Between its last record and this one there may be those of another worker: a worker that was
        paused until it was taken for dead writes what it still had, and may get the partition back
        without ever noticing that it had lost it. What lies between is then read at the next
        assignment.
        """
        if offset == self._applied.get(tp, -1) + 1:
            self._applied[tp] = offset

    def apply_changelog_batch(
        self,
        batch: Iterable[EventT],
        to_key: Callable[[Any], Any],  # noqa: ARG002 - Faust's signature
        to_value: Callable[[Any], Any],  # noqa: ARG002
    ) -> None:
        """Add the blocks of a recovery batch, joined per partition: numpy likes them large.

        A record that is no block is counted and skipped: its ids may be stored again as first
        occurrences, which costs rows that the views show once, never a loss. Records of another
        table's changelog are left alone: around a rebalance Faust may mix them in (pitfalls.md#a6),
        and their ids would count as seen here.

        Any producer may write a block with any time. None makes ids expire before the broker's
        clock has come that far, and a block from the future, whose own ids would never expire, is
        refused.
        """
        failpoints.passing("worker.in_recovery")
        changelog = self.table.changelog_topic.get_topic_name()
        blocks: defaultdict[int, list[IdBlock]] = defaultdict(list)
        appended_ms: defaultdict[int, int] = defaultdict(int)
        unreadable: defaultdict[TP, list[int]] = defaultdict(list)
        for event in batch:
            message = event.message
            if message.tp.topic != changelog:
                continue
            self._applied[message.tp] = max(message.offset, self._applied.get(message.tp, -1))
            now_ms = round(message.timestamp * 1000)
            appended_ms[message.partition] = max(now_ms, appended_ms[message.partition])
            try:
                blocks[message.partition].append(_block(message.value, now_ms))
            except UnreadableBlock:
                unreadable[message.tp].append(message.offset)
        self._report(unreadable)
        for partition, parts in blocks.items():
            index = self.index(partition)
            for block in _joined(parts, index.window_ms):
                index.add(block, now_ms=appended_ms[partition])

    def _report(self, unreadable: Mapping[TP, list[int]]) -> None:
        for tp, offsets in unreadable.items():
            self.unreadable += len(offsets)
            logger.warning(
                "%s[%d]: %d records from offset %d on hold no ids.", *tp, len(offsets), offsets[0]
            )

    async def on_rebalance(
        self,
        assigned: set[TP],
        *_: Any,
    ) -> None:
        """Forget partitions that went to another worker; it may add ids that are not known here."""
        changelog = self.table.changelog_topic.get_topic_name()
        held = {tp.partition for tp in assigned if tp.topic == changelog}
        for partition in set(self.indexes) - held:
            del self.indexes[partition]
        for tp in [tp for tp in self._applied if tp.partition not in held]:
            del self._applied[tp]
        # Faust keeps its old read position when two rebalances follow each other closely.
        offsets = self.app.tables.recovery.active_offsets
        for tp in [tp for tp in offsets if tp.topic == changelog and tp.partition not in held]:
            del offsets[tp]

    def reset_state(self) -> None:
        """Forget everything."""
        self.indexes.clear()
        self._applied.clear()

    async def backup_partition(self, *args: Any, **kwargs: Any) -> None:
        """The changelog is the backup."""
        raise NotImplementedError("Ids are backed up by their changelog topic.")

    def restore_backup(self, *args: Any, **kwargs: Any) -> None:
        """The changelog is the backup."""
        raise NotImplementedError("Ids are restored from their changelog topic.")

    # Faust's mapping interface: keys would be blocks, which nobody looks up by key.
    def __getitem__(self, key: Any) -> Any:
        raise KeyError(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError("Ids are remembered by DedupTable.remember().")

    def __delitem__(self, key: Any) -> None:
        raise TypeError("Ids are forgotten by time.")

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return sum(len(index) for index in self.indexes.values())


def _block(value: bytes | None, now_ms: int) -> IdBlock:
    """The block in a changelog record that was appended at *now_ms*."""
    block = unpack(value or b"")
    if block.last_ms > now_ms + CLOCKS_DIFFER_MS:
        raise UnreadableBlock("times in the future")
    return block


def _joined(blocks: list[IdBlock], window_ms: int) -> Iterator[IdBlock]:
    """Join neighbouring blocks of one incarnation while they span only a little of the window."""
    part: list[IdBlock] = []
    first_ms = last_ms = 0
    for block in blocks:
        first_ms, last_ms = min(first_ms, block.first_ms), max(last_ms, block.last_ms)
        same = part and block.incarnation == part[0].incarnation
        if not same or last_ms - first_ms > window_ms // 1024:
            if part:
                yield _concatenated(part)
            part, first_ms, last_ms = [], block.first_ms, block.last_ms
        part.append(block)
    if part:
        yield _concatenated(part)


def _concatenated(blocks: list[IdBlock]) -> IdBlock:
    if len(blocks) == 1:
        return blocks[0]
    return IdBlock(
        np.concatenate([block.high for block in blocks]),
        np.concatenate([block.low for block in blocks]),
        np.concatenate([block.offsets for block in blocks]),
        np.concatenate([block.fingerprints for block in blocks]),
        min(block.first_ms for block in blocks),
        max(block.last_ms for block in blocks),
        blocks[0].incarnation,
    )


class DedupTable(faust.Table):  # type: ignore[misc]
    """First occurrences of one event type: a Faust table, partitioned like its topic."""

    def __init__(self, app: Any, *, window_ms: int, **kwargs: Any) -> None:
        self.window_ms = window_ms
        self._gathered_bytes = 0
        super().__init__(app, key_type=bytes, value_type=bytes, **kwargs)

    async def on_changelog_event(self, event: EventT) -> None:
        """Apply what recovery has gathered, *event* included, once it is many bytes."""
        await super().on_changelog_event(event)
        gathered = self.app.tables.recovery.buffers[self]
        if len(gathered) == 1:
            self._gathered_bytes = 0
        message = event.message
        self._gathered_bytes += len(message.value or b"") + len(message.key or b"")
        self._gathered_bytes += sum(
            len(name) + len(value or b"") for name, value in message.headers
        )
        if self._gathered_bytes >= GATHERED_BYTES:
            self.apply_changelog_batch(gathered)
            gathered.clear()

    def _new_store(self) -> DedupStore:
        return DedupStore("seen://", self.app, self, table_name=self.name, loop=self.loop)

    def index(self, partition: int) -> DedupIndex:
        """The look-up index of *partition*."""
        index: DedupIndex = self.data.index(partition)
        return index

    async def remember(self, partition: int, block: IdBlock, *, timeout_seconds: float) -> None:
        """Write *block* to the changelog and return when the broker has confirmed it.

        Raises:
            TimeoutError: not confirmed in time; the record may still arrive, so writing it
                again is right (an id written twice counts once).
            aiokafka.errors.KafkaError: the broker refused it.
        """
        message = self.send_changelog(partition, block.key, pack(block))
        async with asyncio.timeout(timeout_seconds):
            await asyncio.shield(message)
