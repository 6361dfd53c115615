"""An offset is found by append time from the headers of record batches, which stay closed."""

from __future__ import annotations

import asyncio
import struct
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaError,
    LeaderNotAvailableError,
    NotLeaderForPartitionError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition

from streams.faust.append_times import Header, fetch_header, first_after
from tests.streams.fetch.bombs import batch, old_batch, old_records, records
from tests.streams.fetch.kafka_batches import APPEND_TIME, COMMIT, Made, Record, marker

HERE = TopicPartition("topic", 1)
OLD = old_batch("gzip", old_records(100, 2, version=1), version=1)

# Three record batches of four offsets each, appended at 10, 20 and 30 ms; 8 to 11 has no record.
LOG = [Header(0, 4, 10), Header(4, 8, 20), Header(12, 16, 30)]


class Log:
    """The headers of a log, counting what was asked for."""

    def __init__(self, headers: list[Header]) -> None:
        self.headers, self.asked = headers, 0

    async def header_at(self, offset: int) -> Header | None:
        """Of the record batch that has *offset*, else of the next one."""
        self.asked += 1
        return next((one for one in self.headers if one.end > offset), None)


@pytest.mark.parametrize("appended_ms", [0, 9, 10, 11, 20, 29, 30, 31])
@pytest.mark.parametrize("before", [0, 1, 4, 7, 8, 10, 12, 13, 16, 20])
@pytest.mark.parametrize("first", [0, 3, 4, 5, 9])
async def test_the_first_record_before_an_offset_that_came_after_a_time(
    appended_ms: int, before: int, first: int
) -> None:
    """Nothing past the offset counts. Where offsets have no record, their first stands for it."""
    after = [
        offset
        for one in LOG
        for offset in range(max(one.first, first), min(one.end, before))
        if one.latest_ms > appended_ms
    ]

    found = await first_after(Log(LOG).header_at, appended_ms, first=first, before=before)

    if not after:
        assert found is None
    else:
        assert found is not None
        assert first <= found <= after[0]
        assert not any(one.first <= at < one.end for one in LOG for at in range(found, after[0]))


@pytest.mark.parametrize("batches", [1, 2, 1_000, 1_000_000])
async def test_mostly_one_header_is_read_and_never_many(batches: int) -> None:
    """One where nothing was appended later, else some for each doubling of the log."""
    log = Log([])

    async def header_at(offset: int) -> Header:
        log.asked += 1
        return Header(offset, offset + 1, offset)

    assert await first_after(header_at, batches, first=0, before=batches) is None
    assert log.asked == 1
    assert await first_after(header_at, -1, first=0, before=batches) == 0
    assert log.asked <= 2 + batches.bit_length()


class Client:
    """aiokafka's client of a broker that answers fetches with *data* or an error."""

    def __init__(self, data: bytes = b"", *, error: int = 0, leader: int | None = 5) -> None:
        self.data, self.error = data, error
        self.cluster = SimpleNamespace(leader_for_partition=lambda _: leader)
        self.requests: list[Any] = []
        self.topics = [HERE.topic]
        self.refreshed = 0

    def force_metadata_update(self) -> None:
        """Note it."""
        self.refreshed += 1

    async def send(self, node: int, request: Any) -> Any:
        """In the form of version 11."""
        assert node == 5
        self.requests.append(request)
        found: list[Any] = [(1, self.error, 9, 9, 0, [], -1, self.data)]
        return SimpleNamespace(topics=[(name, found) for name in self.topics])


def headed(base: int, ms: int, count: int) -> bytes:
    """A plain record batch."""
    made = [Record(at) for at in range(count)]
    return Made(base, made, count - 1, flags=APPEND_TIME, max_ms=ms).to_bytes()


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (b"", None),
        (headed(3, 50, 4)[:-1], None),
        (headed(3, 50, 4), Header(3, 7, 50)),
        (headed(3, 50, 4) + headed(7, 60, 1), Header(3, 7, 50)),
        (marker(3, 1, kind=COMMIT).to_bytes(), Header(3, 4, 1_000)),
        (batch("zstd", records(100, 2), 2, base=3), Header(3, 5, 1_000)),
        # Whatever it opens to, and were it nothing that opens.
        (batch("gzip", iter([b"\0" * 2**20]), 9, base=3), Header(3, 12, 1_000)),
        (OLD, Header(0, 1, 1_000)),
        # It may begin anywhere before its last offset.
        (struct.pack(">q", 9) + OLD[8:], Header(3, 10, 1_000)),
    ],
)
async def test_a_header_is_read_without_opening_the_batch(
    data: bytes, header: Header | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the first record batch that came; it is fetched alone, and at once."""
    monkeypatch.setattr("streams.fetch.batch_headers.open_packed", None)
    client = Client(data)

    assert await fetch_header(client, HERE, 3) == header

    (request,) = client.requests
    assert isinstance(request, FetchRequest)
    assert request.topics == [("topic", [(1, 3, 1)])]
    assert (request._max_wait_ms, request._max_bytes) == (0, 1)


@pytest.mark.parametrize(
    ("client", "error", "refreshed"),
    [
        (Client(error=1), OffsetOutOfRangeError, 0),
        (Client(error=3), UnknownTopicOrPartitionError, 1),
        (Client(error=6), NotLeaderForPartitionError, 1),
        (Client(leader=None), LeaderNotAvailableError, 1),
        (Client(leader=-1), LeaderNotAvailableError, 1),
    ],
)
async def test_what_the_broker_refuses_is_an_error(
    client: Client, error: type[KafkaError], refreshed: int
) -> None:
    """And is tried again, at the new leader if there is one."""
    with pytest.raises(error):
        await fetch_header(client, HERE, 3)
    assert client.refreshed == refreshed


async def test_a_topic_that_is_not_fetched_by_its_id_is_an_error() -> None:
    """Then the answer has nothing of it."""
    client = Client(headed(3, 50, 4))
    client.topics = []

    with pytest.raises(UnknownTopicOrPartitionError):
        await asyncio.wait_for(fetch_header(client, HERE, 3), 5)
