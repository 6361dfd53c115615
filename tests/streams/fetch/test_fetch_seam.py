"""Aiokafka's fetcher has the seam that fetched batches need; other consumers do not see it."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.structs import TopicPartition

from streams.fetch.fetched_batch import FetchedBatch
from streams.fetch.fetcher_seam import as_batches
from tests.streams.fetch.fetched import UNCHANGED
from tests.streams.fetch.kafka_batches import Made, Record

EVENTS, CHANGELOG = TopicPartition("events", 0), TopicPartition("changelog", 0)
DATA = Made(0, [Record(0), Record(1)], 1).to_bytes()


async def fetched() -> Any:
    """Aiokafka's own fetcher, which has just been answered for two partitions."""
    states = {
        tp: SimpleNamespace(paused=False, has_valid_position=True, position=0)
        for tp in (EVENTS, CHANGELOG)
    }
    assignment = SimpleNamespace(active=True, state_value=states.__getitem__)
    for state in states.values():
        state.consumed_to = lambda position, state=state: setattr(state, "position", position)
    request = SimpleNamespace(topics=[(tp.topic, [(0, 0, 1_000)]) for tp in states])
    answer: list[tuple[Any, ...]] = [(tp.topic, [(0, 0, 2, 2, 0, [], -1, DATA)]) for tp in states]

    async def send(*_: Any) -> Any:
        return SimpleNamespace(API_VERSION=11, topics=answer)

    one = fetcher.Fetcher.__new__(fetcher.Fetcher)
    vars(one).update(
        _client=SimpleNamespace(send=send),
        _client_rack=None,
        _records=OrderedDict(),
        _subscriptions=SimpleNamespace(reassignment_in_progress=False),
        _key_deserializer=None,
        _value_deserializer=None,
        _check_crcs=True,
        _isolation_level=fetcher.READ_COMMITTED,
        _prefetch_backoff=0.1,
        _wait_consume_future=None,
    )
    assert await one._proc_fetch_request(assignment, 0, request)
    return one


@pytest.mark.usefixtures("batches_installed")
async def test_only_wanted_partitions_come_as_fetched_batches() -> None:
    """Changelogs stay per record: recovery reads them that way."""
    one = await fetched()

    with as_batches(lambda tp: tp == EVENTS):
        first = await one.fetched_records([], timeout=0, max_records=3)

    assert isinstance(first[EVENTS], FetchedBatch)
    assert first[EVENTS].offsets.tolist() == [0, 1]
    assert [record.offset for record in first[CHANGELOG]] == [0]


@pytest.mark.usefixtures("batches_installed")
async def test_other_consumers_of_the_process_read_records() -> None:
    """What is changed in aiokafka changes nothing for them."""
    came = await (await fetched()).fetched_records([], timeout=0)

    assert [[one.offset for one in records] for records in came.values()] == [[0, 1], [0, 1]]


def test_aiokafka_is_as_the_seam_expects() -> None:
    """Its code is relied on by name; a new version is to be read before it is used."""
    records, loop = UNCHANGED.PartitionRecords, UNCHANGED.PartitionRecords._unpack_records

    assert list(inspect.signature(records).parameters) == [
        "tp",
        "records",
        "aborted_transactions",
        "fetch_offset",
        "key_deserializer",
        "value_deserializer",
        "check_crcs",
        "isolation_level",
    ]
    assert list(inspect.signature(UNCHANGED.FetchResult.getall).parameters) == [
        "self",
        "max_records",
    ]
    assert {"MemoryRecords", "PartitionRecords", "FetchResult"} <= names_in(
        UNCHANGED.Fetcher._proc_fetch_request
    )
    assert {"FetchResult", "getall", "has_more"} <= names_in(UNCHANGED.Fetcher.fetched_records)
    # All that the loop over batches asks of them, of their records and of itself.
    assert names_in(loop) == {
        "Errors",
        "CorruptRecordException",
        "READ_COMMITTED",
        "_aborted_producers",
        "_check_crcs",
        "_consume_aborted_up_to",
        "_consumer_record",
        "_contains_abort_marker",
        "_isolation_level",
        "_records",
        "_tp",
        "base_offset",
        "debug",
        "discard",
        "has_next",
        "is_control_batch",
        "is_transactional",
        "log",
        "next_batch",
        "next_fetch_offset",
        "next_offset",
        "offset",
        "producer_id",
        "validate_crc",
    }


def names_in(function: Any) -> set[str]:
    """The names that *function* looks up."""
    return set(function.__code__.co_names)
