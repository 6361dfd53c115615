"""One contract, two publishers: memory and Kafka; and Kafka's publisher without a broker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from events.contract.partitioner import murmur2_all, partitions_of
from events.contract.registry import TOPICS
from ingest_http.publish.kafka_batch import KafkaBatch
from ingest_http.publish.kafka_connection import KafkaLink
from ingest_http.publish.kafka_publisher import KafkaOptions, KafkaPublisher
from ingest_http.publish.publisher import Publisher, RecordGroup
from railhead.stack.background import BackgroundStack
from tests.ingest_http.memory_publisher import MemoryPublisher
from tests.ingest_http.running_api import PARTITIONS, until

TOPIC, OTHER_TOPIC = "fasttrack.realtime-casino", "fasttrack.realtime-login"
HEADERS = [("tenant", b"acme"), ("received_at", b"2026-01-02T03:04:05.678Z")]


@contextlib.asynccontextmanager
async def kafka_publisher(
    bootstrap: str, *, timeout_seconds: float = 8.0, batch_bytes: int = 900_000
) -> AsyncIterator[KafkaPublisher]:
    """A publisher on a running link; it is ready if there is a broker."""
    link = KafkaLink(bootstrap, TOPICS, timeout_seconds=timeout_seconds)
    task = asyncio.create_task(link.run())
    options = KafkaOptions(batch_bytes=batch_bytes, timeout_seconds=timeout_seconds)
    try:
        yield KafkaPublisher(link, options)
    finally:
        task.cancel()
        await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 10)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.e2e)])
async def publisher(request: pytest.FixtureRequest) -> AsyncIterator[Publisher]:
    """Either publisher, ready."""
    if request.param == "memory":
        yield MemoryPublisher()
        return
    stack: BackgroundStack = request.getfixturevalue("broker")
    async with kafka_publisher(stack.settings.kafka_bootstrap) as made:
        await until(lambda: made.why_not_ready() is None)
        yield made


def record_group(topic: str, *keys: str) -> RecordGroup:
    """Records whose value is their key."""
    encoded = [key.encode() for key in keys]
    return RecordGroup(topic, encoded, encoded, HEADERS)


async def test_all_records_are_confirmed(publisher: Publisher) -> None:
    """The delivery is done, and every record is stored."""
    delivery = publisher.submit(
        [record_group(TOPIC, *map(str, range(1_000))), record_group(OTHER_TOPIC, "a")]
    )

    await asyncio.wait_for(delivery.done, 10)
    assert delivery.not_stored() == []


async def test_nothing_to_publish_is_done_at_once(publisher: Publisher) -> None:
    """No records, no waiting."""
    assert publisher.submit([]).done.done()


async def test_records_are_not_stored_until_confirmed(publisher: Publisher) -> None:
    """Before the answer, a delivery says so; memory answers at once."""
    delivery = publisher.submit([record_group(TOPIC, "a", "b")])

    if not delivery.done.done():
        assert delivery.not_stored() == [(0, 0), (0, 1)]
    await asyncio.wait_for(delivery.done, 10)


async def test_unknown_topic_fails_and_the_others_do_not(publisher: Publisher) -> None:
    """The delivery names the record group and the index."""
    if isinstance(publisher, MemoryPublisher):
        publisher.refused_topics.add("nowhere")

    delivery = publisher.submit(
        [
            record_group(TOPIC, "a"),
            record_group("nowhere", "b", "c"),
            record_group(OTHER_TOPIC, "d"),
        ]
    )

    await asyncio.wait_for(delivery.done, 10)
    assert delivery.not_stored() == [(1, 0), (1, 1)]


async def test_a_waiting_request_may_be_cancelled(publisher: Publisher) -> None:
    """That cancels no record."""
    delivery = publisher.submit([record_group(TOPIC, "a")])
    waiter = asyncio.create_task(asyncio.wait({delivery.done}))
    await asyncio.sleep(0)
    waiter.cancel()

    await asyncio.wait_for(delivery.done, 10)
    assert delivery.not_stored() == []


@pytest.mark.e2e
async def test_records_arrive_whole_and_on_their_keys_partition(broker: BackgroundStack) -> None:
    """Key, value, headers; the partition is the one any Java client would choose."""
    bootstrap = broker.settings.kafka_bootstrap
    topic = "fasttrack.realtime-registration"
    keys = [f"acme:{'ключ' * (number % 5)}{number}" for number in range(2_000)]
    async with kafka_publisher(bootstrap, batch_bytes=20_000) as made:
        await until(lambda: made.why_not_ready() is None)
        deliveries = [
            made.submit([record_group(topic, *keys[at : at + 100])]) for at in range(0, 2_000, 100)
        ]
        await asyncio.wait_for(asyncio.gather(*(one.done for one in deliveries)), 20)

    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        consumed: list[Any] = []
        async with asyncio.timeout(20):
            while len(consumed) < len(keys):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    consumed += records
    finally:
        await consumer.stop()

    assert sorted(one.key.decode() for one in consumed) == sorted(keys)
    assert all(one.value == one.key and list(one.headers) == HEADERS for one in consumed)
    assert all(one.partition == (murmur2(one.key) & 0x7FFFFFFF) % PARTITIONS for one in consumed)


@pytest.mark.e2e
async def test_largest_item_fits(broker: BackgroundStack) -> None:
    """An item of one MiB, larger than a batch usually is, and a rejected one of seven."""
    async with kafka_publisher(broker.settings.kafka_bootstrap) as made:
        await until(lambda: made.why_not_ready() is None)
        large = RecordGroup(TOPIC, [b"k"], [b"x" * (1024 * 1024)], HEADERS)
        larger = RecordGroup("fasttrack.rejected", [b"k"], [b"x" * (7 * 1024 * 1024)], HEADERS)

        delivery = made.submit([large, larger])

        await asyncio.wait_for(delivery.done, 10)
        assert delivery.not_stored() == []


@pytest.mark.e2e
async def test_stalled_broker_fails_what_waits_and_new_requests_quickly(
    broker: BackgroundStack,
) -> None:
    """Waits are bounded; readiness ends and returns by itself."""
    async with kafka_publisher(broker.settings.kafka_bootstrap, timeout_seconds=2.0) as made:
        await until(lambda: made.why_not_ready() is None)
        pid = broker.pid("kafka")
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            started = monotonic()
            deliveries = [made.submit([record_group(TOPIC, f"stalled-{at}")]) for at in range(20)]
            await asyncio.wait_for(asyncio.gather(*(one.done for one in deliveries)), 10)

            assert monotonic() - started < 6
            assert all(one.not_stored() == [(0, 0)] for one in deliveries)
            await until(lambda: made.why_not_ready() is not None)
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(lambda: made.why_not_ready() is None, seconds=30)
        delivery = made.submit([record_group(TOPIC, "after")])
        await asyncio.wait_for(delivery.done, 10)
        assert delivery.not_stored() == []


@pytest.mark.e2e
async def test_killed_broker_comes_back_and_so_does_the_publisher(
    broker: BackgroundStack,
) -> None:
    """Kill -9 under load: every delivery is done, and later ones succeed."""
    async with kafka_publisher(broker.settings.kafka_bootstrap) as made:
        await until(lambda: made.why_not_ready() is None)
        pid = broker.pid("kafka")
        assert pid is not None
        deliveries = [made.submit([record_group(TOPIC, f"killed-{at}")]) for at in range(50)]
        os.kill(pid, signal.SIGKILL)
        deliveries += [made.submit([record_group(TOPIC, f"dead-{at}")]) for at in range(50)]

        await asyncio.wait_for(asyncio.gather(*(one.done for one in deliveries)), 30)
        await until(lambda: broker.pid("kafka") not in (None, pid), seconds=60)
        await until(lambda: made.why_not_ready() is None, seconds=60)
        delivery = made.submit([record_group(TOPIC, "after")])
        await asyncio.wait_for(delivery.done, 10)
        assert delivery.not_stored() == []


@pytest.mark.e2e
async def test_producer_that_died_is_replaced(broker: BackgroundStack) -> None:
    """With a dead sender task every later batch would wait for its time-out."""
    link = KafkaLink(broker.settings.kafka_bootstrap, TOPICS, timeout_seconds=8.0)
    made = KafkaPublisher(link, KafkaOptions())
    task = asyncio.create_task(link.run())
    await until(lambda: made.why_not_ready() is None)
    first = link.producer
    assert first is not None

    first._sender.sender_task.cancel()
    await until(lambda: link.producer not in (None, first) and made.why_not_ready() is None)

    delivery = made.submit([record_group(TOPIC, "after")])
    await asyncio.wait_for(delivery.done, 10)
    assert delivery.not_stored() == []
    assert link.replaced == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_without_a_broker_everything_is_answered_at_once() -> None:
    """The publisher starts, says why it is not ready, and stops."""
    async with kafka_publisher("127.0.0.1:1") as made:
        delivery = made.submit([record_group(TOPIC, "a")])

        assert delivery.done.done()
        assert delivery.not_stored() == [(0, 0)]
        await until(lambda: "127.0.0.1:1" in (made.why_not_ready() or ""))


@pytest.mark.parametrize("count", [1, 11, 12, 500])
def test_partitions_are_those_of_javas_murmur2(count: int) -> None:
    """Many at once or one by one, short keys and long."""
    chance = random.Random(count)  # noqa: S311 - a repeatable choice
    keys = [chance.randbytes(chance.choice([0, 1, 2, 3, 4, 7, 30, 200])) for _ in range(count)]

    assert murmur2_all(keys).tolist() == [murmur2(key) for key in keys]
    assert partitions_of(keys, 7) == [(murmur2(key) & 0x7FFFFFFF) % 7 for key in keys]


def test_known_hashes_of_kafkas_own_test() -> None:
    """The values that Kafka's UtilsTest has."""
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}

    assert [value & 0xFFFFFFFF for value in known.values()] == murmur2_all(list(known)).tolist()


def test_batches_are_byte_for_byte_those_of_the_library() -> None:
    """The fast loop writes the same bytes as aiokafka's own."""
    ours, theirs = KafkaBatch(900_000, "none"), BatchBuilder(900_000, 0)
    records = record_group(TOPIC, *map(str, range(100)))

    assert ours.extend(records, range(100), timestamp_ms=1_700_000_000_000) == 100
    for key in records.keys:
        theirs.append(timestamp=1_700_000_000_000, key=key, value=key, headers=HEADERS)

    assert bytes(ours._build()) == bytes(theirs._build())
    assert ours.record_count() == 100


def test_full_batch_says_how_many_went_in() -> None:
    """The rest goes into the next one; a first record always fits."""
    batch = KafkaBatch(1_000, "none")
    large = RecordGroup(TOPIC, [b"k"] * 5, [b"x" * 400] * 5, HEADERS)

    taken = batch.extend(large, range(5), timestamp_ms=0)

    assert 0 < taken < 5
    assert batch.closed()
    assert KafkaBatch(10, "none").extend(large, [0], timestamp_ms=0) == 1
