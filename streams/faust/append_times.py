"""Finds an offset by append time from the headers of record batches.

A broker that is asked for an offset by time (ListOffsets) opens the record batch that may have it,
all of it on its heap: one that opens to more ends the broker. A fetch opens none, and the header of
a record batch has its latest append time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from aiokafka.errors import (
    KafkaError,
    LeaderNotAvailableError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition

from streams.fetch.batch_headers import Batch, first_batch

# Whatever its size, a broker sends the record batch that has the offset, and no other with it.
_ONE_BATCH_BYTES: Final = 1
_AT_ONCE: Final = 0
_UNCOMMITTED_TOO: Final = 0


class Header(NamedTuple):
    """Of a record batch: its first offset, the offset after its last, its latest append time."""

    first: int
    end: int
    latest_ms: int


async def first_after(
    header_at: Callable[[int], Awaitable[Header | None]],
    appended_ms: int,
    *,
    first: int,
    before: int,
) -> int | None:
    """The lowest offset from *first* to before *before* that was appended after *appended_ms*.

    None without any. *header_at* gives the header of the record batch that has an offset or, where
    none has it, of the next one; None at the end. Append times ascend, so the last offset is asked
    for first, and mostly that is all.
    """
    low, high, at, found = first, before, before - 1, None
    while low < high:
        header = await header_at(at)
        if header is None or header.first >= high:
            high = at  # there is nothing from here on
        elif header.latest_ms > appended_ms:
            high = found = at
        else:
            low = max(at + 1, header.end)
        at = (low + high) // 2
    return found


async def fetch_header(client: Any, tp: TopicPartition, offset: int) -> Header | None:
    """The header of the record batch at *offset* or after it, None at the end of the log.

    Raises:
        KafkaError: the broker did not answer, or does not have the offset.
    """
    node = client.cluster.leader_for_partition(tp)
    if node is None or node == -1:
        client.force_metadata_update()
        raise LeaderNotAvailableError(f"{tp.topic}[{tp.partition}]")
    wanted = [(tp.topic, [(tp.partition, offset, _ONE_BATCH_BYTES)])]
    request = FetchRequest(_AT_ONCE, 0, _ONE_BATCH_BYTES, _UNCOMMITTED_TOO, wanted)
    answer = await client.send(node, request)
    for _, partitions in answer.topics:
        for _, code, *_, records in partitions:
            error: type[KafkaError] = for_code(code)
            if error.errno:
                if error.invalid_metadata:
                    client.force_metadata_update()
                raise error(f"{tp.topic}[{tp.partition}] at {offset}")
            return _header(records, offset)
    raise UnknownTopicOrPartitionError(f"{tp.topic}[{tp.partition}]")


def _header(records: bytes, offset: int) -> Header | None:
    batch = first_batch(records)
    if batch is None:
        return None
    # A message of an old format has the offset of the last one in it, and not of the first.
    first = batch.base_offset if isinstance(batch, Batch) else min(offset, batch.base_offset)
    return Header(first, batch.next_offset, batch.latest_ms)
