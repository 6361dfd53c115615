"""Topics that do what topics seldom do: transactions, and an end without a warning."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from tests.e2e.system import System, wait_until
from tests.e2e.test_main_way import bet, count, new_tenant

pytestmark = pytest.mark.e2e

CASINO = "fasttrack.realtime-casino"


async def in_transactions(system: System, tenant: str, *ends: tuple[str, str]) -> None:
    """Produce one bet a transaction: its id, and whether it is to "commit" or to "abort"."""
    producer = AIOKafkaProducer(bootstrap_servers=system.kafka, transactional_id=tenant)
    await producer.start()
    try:
        for unique_id, end in ends:
            await producer.begin_transaction()
            value = json.dumps(bet(unique_id)).encode()
            headers = [("tenant", tenant.encode())]
            await producer.send_and_wait(CASINO, value, partition=0, headers=headers)
            await getattr(producer, f"{end}_transaction")()
    finally:
        await producer.stop()


def test_what_a_transaction_took_back_was_never_sent(system: System) -> None:
    """Records of aborted transactions are no events; the books know their offsets."""
    tenant = new_tenant()

    asyncio.run(in_transactions(system, tenant, ("a", "commit"), ("b", "abort"), ("c", "commit")))

    system.wait_value(count(tenant), 2)
    ids = system.sql(f"SELECT unique_id FROM fasttrack.casino WHERE tenant = '{tenant}' ORDER BY 1")
    assert ids == [("a",), ("c",)]
    wait_until(
        lambda: "The books balance" in system.railhead("reconcile", check=False),
        seconds=30,
        what="the books balance over markers and aborted records",
        every=1,
    )


async def make_anew(system: System, topic: str) -> None:
    """Delete *topic* and let `railhead topics` create it again."""
    admin = AIOKafkaAdminClient(bootstrap_servers=system.kafka)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        while topic in await admin.list_topics():  # noqa: ASYNC110 - the broker tells no event
            await asyncio.sleep(0.05)
    finally:
        await admin.close()
    await asyncio.to_thread(system.railhead, "topics")


def test_a_topic_made_anew_under_a_worker_loses_nothing_new(
    new_system: Callable[..., System],
) -> None:
    """Its records begin at offset 0 again; they are events, and the alarm is in the log."""
    system = new_system()
    key = system.tenant("acme")
    system.push([bet(f"old-{n}") for n in range(50)], key)
    system.wait_value(count("acme"), 50)

    asyncio.run(make_anew(system, CASINO))
    for n in range(3):
        system.push([bet(f"new-{n}")], key)

    system.wait_value(count("acme"), 53, seconds=90)
    log = (system.data_dir / "logs" / "worker-1.log").read_text()
    assert "made anew" in log
