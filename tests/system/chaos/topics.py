"""Reads every record of the topics once, and decides what must have become of each.

An oracle that shares no code with the product: a plain dictionary per partition.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.partitioner import murmur2

from events.contract.registry import REJECTED_TOPIC, TOPICS
from tests.system.chaos.content import KINDS, VALID, Item, Version, id_of, read

GROUP = "railhead"
UNREAD_WITHIN_SECONDS = 5.0
Coordinate = tuple[str, int, int]
"""Topic, partition, offset."""
OUTCOMES = ("stored", "duplicates", "conflicts", "rejected", "moved")
NOTHING = 255
"""At an offset that no consumer is given: a transaction's marker, or an aborted record."""


@dataclass(slots=True)
class Truth:
    """What the topics hold.

    `firsts`: for each tenant and (kind, number) the (append time, offset, version) of the first
    occurrence in each partition that has one. `outcomes`: for each partition a byte for each offset
    up to the last record, an index in OUTCOMES or NOTHING. `ends`: where each partition ends.
    """

    firsts: dict[tuple[str, int, int], list[tuple[int, int, Version]]] = field(default_factory=dict)
    outcomes: dict[tuple[str, int], bytearray] = field(default_factory=dict)
    ends: dict[tuple[str, int], int] = field(default_factory=dict)
    conflicts: set[Coordinate] = field(default_factory=set)
    refused: set[Coordinate] = field(default_factory=set)
    foreign: list[Coordinate] = field(default_factory=list)
    dead_letters: int = 0
    records: int = 0
    partitions: Counter[str] = field(default_factory=Counter)


async def ends(bootstrap: str) -> dict[TopicPartition, int]:
    """The end offset of every partition of every topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        found: dict[TopicPartition, int] = await consumer.end_offsets(await _partitions(consumer))
        return found
    finally:
        await consumer.stop()


async def committed(bootstrap: str) -> dict[TopicPartition, int]:
    """The offsets the workers' group has committed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(GROUP)
        return {tp: one.offset for tp, one in found.items() if tp.topic in TOPICS}
    finally:
        await admin.close()


async def unread(
    bootstrap: str, positions: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> set[TopicPartition]:
    """Those of the partitions that hold a record at or past the position, or may yet hold one.

    Only markers and aborted records may lie there: no consumer gets those, so no commit passes
    them. An open transaction is not decided yet: a broker whose clock was set back does not end it
    before its clock has caught up.
    """
    found: set[TopicPartition] = set()
    if not positions:
        return found
    async with _reader(bootstrap) as consumer:
        consumer.assign(list(positions))
        for tp, position in positions.items():
            consumer.seek(tp, position)
        left = set(positions)
        until = time.monotonic() + UNREAD_WITHIN_SECONDS
        while left and time.monotonic() < until:
            found |= set(await consumer.getmany(*left, timeout_ms=200))
            left -= found
            left -= {tp for tp in left if await consumer.position(tp) >= ends[tp]}
    return found | left


async def read_all(bootstrap: str) -> Truth:
    """Read every record that a consumer is given, of every topic; no transaction may be open."""
    truth = Truth()
    # Not from the reader: for it a topic ends where the first open transaction begins.
    last = await ends(bootstrap)
    async with _reader(bootstrap) as consumer:
        partitions = list(last)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        truth.ends = {(tp.topic, tp.partition): end for tp, end in last.items() if end}
        left = {tp for tp, end in last.items() if end}
        truth.partitions = Counter(tp.topic for tp in partitions)
        seen: dict[tuple[str, int, str, int], Version] = {}
        while left:
            for tp, records in (await consumer.getmany(timeout_ms=1000)).items():
                outcomes = truth.outcomes.setdefault((tp.topic, tp.partition), bytearray())
                for record in records:
                    truth.records += 1
                    outcomes.extend([NOTHING] * (record.offset - len(outcomes)))
                    outcomes.append(_outcome(record, truth, seen))
            left -= {tp for tp in left if await consumer.position(tp) >= last[tp]}
    return truth


@asynccontextmanager
async def _reader(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        max_partition_fetch_bytes=8 << 20,
        fetch_max_bytes=64 << 20,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer) -> list[TopicPartition]:
    await consumer._client.force_metadata_update()
    await consumer.topics()
    return [
        TopicPartition(topic, number)
        for topic in TOPICS
        for number in sorted(consumer.partitions_for_topic(topic) or ())
    ]


def _outcome(record: Any, truth: Truth, seen: dict[tuple[str, int, str, int], Version]) -> int:
    """Decide a record's outcome (an index in OUTCOMES) and note it."""
    if record.topic == REJECTED_TOPIC:
        truth.dead_letters += 1
        return 0
    coordinate = (record.topic, record.partition, record.offset)
    item = read(record.value or b"")
    tenant = dict(record.headers).get("tenant", b"").decode()
    if item is None or record.topic != f"fasttrack.{KINDS[item.kind]}":
        truth.foreign.append(coordinate)
        return 3
    if item.version not in VALID:
        truth.refused.add(coordinate)
        return 3
    if record.partition != _home(tenant, item, truth.partitions[record.topic]):
        return 4
    return _occurrence(record, item, tenant, (truth, seen))


def _home(tenant: str, item: Item, partitions: int) -> int:
    """The partition of an id by Kafka's own partitioner; elsewhere its records are moved."""
    key = f"{tenant}:{id_of(item.kind, item.number)}".encode()
    hashed: int = murmur2(key) & 0x7FFFFFFF
    return hashed % partitions


def _occurrence(
    record: Any,
    item: Item,
    tenant: str,
    notes: tuple[Truth, dict[tuple[str, int, str, int], Version]],
) -> int:
    truth, seen = notes
    key = (tenant, item.number, record.topic, record.partition)
    first = seen.get(key)
    if first is None:
        seen[key] = item.version
        occurrences = truth.firsts.setdefault((tenant, item.kind, item.number), [])
        occurrences.append((record.timestamp, record.offset, item.version))
        return 0
    if first == item.version:
        return 1
    truth.conflicts.add((record.topic, record.partition, record.offset))
    return 2


def tally(outcomes: bytearray, first: int, last: int) -> tuple[int, ...]:
    """How many of the offsets *first* to *last* have each outcome."""
    counted = Counter(outcomes[first : last + 1])
    return tuple(counted[outcome] for outcome in range(len(OUTCOMES)))
