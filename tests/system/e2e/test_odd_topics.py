"""Topics that do rare things: transactions, and an end without a warning."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from events.contract.partitioner import partitions_of
from tests.system.e2e.system import System, wait_until
from tests.system.e2e.test_main_way import bet, count, new_tenant

pytestmark = pytest.mark.e2e

CASINO = "fasttrack.realtime-casino"


# A worker ends itself after this time when there are records and it takes none.
STUCK_SECONDS = 4


@asynccontextmanager
async def transactional(system: System, name: str) -> AsyncIterator[AIOKafkaProducer]:
    """A producer whose transactions have a name."""
    producer = AIOKafkaProducer(bootstrap_servers=system.kafka, transactional_id=name)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def send(
    producer: AIOKafkaProducer, tenant: str, unique_id: str, *, partition: int = 0
) -> None:
    """Send one bet."""
    value = json.dumps(bet(unique_id)).encode()
    headers = [("tenant", tenant.encode())]
    await producer.send_and_wait(CASINO, value, partition=partition, headers=headers)


async def in_transactions(
    system: System, tenant: str, *ends: tuple[str, str], partition: int = 0
) -> None:
    """Produce one bet a transaction: its id, and whether it is to "commit" or to "abort"."""
    async with transactional(system, f"{tenant}-{partition}") as producer:
        for unique_id, end in ends:
            await producer.begin_transaction()
            await send(producer, tenant, unique_id, partition=partition)
            await getattr(producer, f"{end}_transaction")()


def test_what_a_transaction_aborted_was_never_sent(system: System) -> None:
    """Records of aborted transactions are not events; the ledger covers their offsets."""
    tenant = new_tenant()

    asyncio.run(in_transactions(system, tenant, ("a", "commit"), ("b", "abort"), ("c", "commit")))

    system.wait_value(count(tenant), 2)
    ids = system.sql(f"SELECT unique_id FROM fasttrack.casino WHERE tenant = '{tenant}' ORDER BY 1")
    assert ids == [("a",), ("c",)]
    wait_until(
        lambda: "The accounts balance" in system.railhead("reconcile", check=False),
        seconds=30,
        what="the accounts balance over markers and aborted records",
        every=1,
    )


def at_home(partition: int, name: str) -> str:
    """An id that belongs to *partition* of three, so that its record is not moved."""
    ids = (f"{name}-{number}" for number in itertools.count())
    return next(one for one in ids if partitions_of([f"acme:{one}".encode()], 3) == [partition])


async def ends_in_transactions(system: System, worker: int) -> None:
    """Three partitions: their last records are committed, aborted, and not decided.

    Returns after twice the time in which the worker's watchdog would end it.
    """
    for partition, *ends in ((0, "commit"), (1, "commit", "abort"), (2, "commit")):
        sent = [(at_home(partition, f"{end}-{partition}"), end) for end in ends]
        await in_transactions(system, "acme", *sent, partition=partition)
    async with transactional(system, "undecided") as producer:
        await producer.begin_transaction()
        await send(producer, "acme", at_home(2, "late"), partition=2)
        await asyncio.to_thread(system.wait_value, count("acme"), 3)
        idle_since = time.monotonic()
        while time.monotonic() < idle_since + 2 * STUCK_SECONDS:
            assert system.pid("worker-1") == worker, "the worker took an idle partition for stuck"
            await asyncio.sleep(0.1)
        await producer.commit_transaction()


def test_a_topic_that_ends_in_a_transaction_is_not_stuck(
    new_system: Callable[..., System], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offsets that no record ever comes from are not waited for; the worker lives on."""
    monkeypatch.setenv("RAILHEAD_STUCK_SECONDS", str(STUCK_SECONDS))
    system = new_system("--partitions", "3")
    worker = system.pid("worker-1")
    assert worker is not None

    asyncio.run(ends_in_transactions(system, worker))

    system.wait_value(count("acme"), 4)
    ids = system.sql("SELECT unique_id FROM fasttrack.casino WHERE tenant = 'acme' ORDER BY 1")
    names = [(2, "late"), *((number, f"commit-{number}") for number in range(3))]
    assert ids == sorted((at_home(*one),) for one in names)
    assert system.pid("worker-1") == worker


@asynccontextmanager
async def admin_of(system: System) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client of the broker."""
    admin = AIOKafkaAdminClient(bootstrap_servers=system.kafka)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def recreate_topic(system: System, topic: str) -> None:
    """Delete *topic* and let `railhead topics` create it again."""
    async with admin_of(system) as admin:
        await admin.delete_topics([topic])
        while topic in await admin.list_topics():  # noqa: ASYNC110 - the broker sends no event
            await asyncio.sleep(0.05)
    await asyncio.to_thread(system.railhead, "topics")


def test_a_topic_recreated_under_a_worker_loses_nothing_new(
    new_system: Callable[..., System],
) -> None:
    """Its records begin at offset 0 again; they are events, and the alarm is in the log."""
    system = new_system()
    key = system.tenant("acme")
    system.post_items([bet(f"old-{n}") for n in range(50)], key)
    system.wait_value(count("acme"), 50)

    asyncio.run(recreate_topic(system, CASINO))
    for n in range(3):
        system.post_items([bet(f"new-{n}")], key)

    system.wait_value(count("acme"), 53, seconds=90)
    log = (system.data_dir / "logs" / "worker-1.log").read_text()
    assert "recreated" in log


async def as_if_late(system: System, *, records: int, committed: int) -> None:
    """Records of a recreated topic, and an old commit that arrived after its recreation."""
    producer = AIOKafkaProducer(bootstrap_servers=system.kafka)
    await producer.start()
    for n in range(records):
        await send(producer, "acme", f"new-{n}")
    await producer.stop()
    worker = AIOKafkaConsumer(
        bootstrap_servers=system.kafka, group_id="railhead", enable_auto_commit=False
    )
    await worker.start()
    worker.assign([TopicPartition(CASINO, 0)])
    await worker.commit({TopicPartition(CASINO, 0): committed})
    await worker.stop()


async def committed(system: System) -> int:
    """What the workers' group has committed."""
    async with admin_of(system) as admin:
        offsets = await admin.list_consumer_group_offsets("railhead")
        return int(offsets[TopicPartition(CASINO, 0)].offset)


@pytest.mark.parametrize("records", [3, 60], ids=["short of it", "past it"])
def test_an_offset_committed_before_a_topic_was_recreated_hides_nothing(
    new_system: Callable[..., System], records: int
) -> None:
    """Neither where the topic ends before that offset, nor where it goes on past it."""
    system = new_system()
    key = system.tenant("acme")
    system.post_items([bet(f"old-{n}") for n in range(50)], key)
    system.wait_value(count("acme"), 50)
    system.again("--parts", "kafka,clickhouse")
    asyncio.run(recreate_topic(system, CASINO))
    asyncio.run(as_if_late(system, records=records, committed=50))

    system.again()

    system.wait_value(count("acme"), 50 + records, seconds=60)
    assert "recreated" in (system.data_dir / "logs" / "worker-1.log").read_text()
    wait_until(
        lambda: asyncio.run(committed(system)) == records, seconds=30, what="all is committed"
    )
