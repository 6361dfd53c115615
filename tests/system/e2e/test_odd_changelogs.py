"""Changelogs that hold what no worker wrote: recovery ends, and knows all that a worker wrote."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Final

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from events.contract.partitioner import partitions_of
from tests.system.e2e.system import System, wait_until
from tests.system.e2e.test_main_way import bet, count

pytestmark = pytest.mark.e2e

CHANGELOG: Final = "railhead-seen-realtime-casino-changelog"

# What a changelog partition holds. r: a worker's block; c: a foreign committed transaction, a: an
# aborted one, each of a record that is not a block; d: all records so far are deleted.
CASES: Final = ("", "c", "a", "ca", "rc", "ra", "rcr", "rar", "raaa", "rd", "crada")


def at_home(partition: int, name: str) -> str:
    """An id that belongs to *partition*."""
    ids = (f"{name}-{number}" for number in itertools.count())
    return next(
        one for one in ids if partitions_of([f"acme:{one}".encode()], len(CASES)) == [partition]
    )


async def transact(system: System, partition: int, end: str) -> None:
    """Leave a transaction of one record in the changelog."""
    producer = AIOKafkaProducer(
        bootstrap_servers=system.kafka, transactional_id=f"foreign-{partition}"
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        await producer.send_and_wait(CHANGELOG, b"no block", partition=partition)
        await (producer.commit_transaction() if end == "c" else producer.abort_transaction())
    finally:
        await producer.stop()


async def delete_all(system: System, partition: int) -> None:
    """Delete what the changelog holds, as retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=system.kafka)
    await admin.start()
    try:
        tp = TopicPartition(CHANGELOG, partition)
        await admin.delete_records({tp: RecordsToDelete(before_offset=-1)})
    finally:
        await admin.close()


def play(system: System, key: str) -> dict[str, set[str]]:
    """Make each case in its partition; the ids a worker must know afterwards, and others."""
    ids: dict[str, set[str]] = {"known": set(), "deleted": set()}
    for partition, case in enumerate(CASES):
        mine: set[str] = set()
        for at, step in enumerate(case):
            if step == "r":
                mine.add(at_home(partition, f"{case}-{at}"))
                system.post_items([bet(one) for one in mine], key)
                stored = f"SELECT sum(stored) FROM fasttrack.ledger WHERE partition = {partition}"
                system.wait_value(stored, case[: at + 1].count("r"))
            elif step == "d":
                asyncio.run(delete_all(system, partition))
                ids["deleted"] |= mine
                mine = set()
            else:
                asyncio.run(transact(system, partition, step))
        ids["known"] |= mine
    return ids


def test_recovery_ends_whatever_lies_in_a_changelog(new_system: Callable[..., System]) -> None:
    """Markers, aborted records and holes are not waited for, and hide no records."""
    system = new_system("--partitions", str(len(CASES)))
    key = system.tenant("acme")
    ids = play(system, key)
    old = system.kill("worker-1")
    system.wait_restarted("worker-1", old)
    worker = system.pid("worker-1")
    new = {at_home(partition, f"new-{partition}") for partition in range(len(CASES))}

    system.post_items([bet(one) for one in new | ids["known"]], key)

    everything = ids["known"] | ids["deleted"] | new
    system.wait_value(count("acme"), len(everything), seconds=60)
    counted = "SELECT sum(stored), sum(duplicates) FROM fasttrack.ledger"
    repeats = len([case for case in CASES if case in {"rcr", "rar"}])
    wait_until(
        lambda: system.sql(counted) == [(len(everything), len(ids["known"]) + repeats)],
        seconds=30,
        what="each repeat is known as one",
    )
    log = (system.data_dir / "logs" / "worker-1.log").read_text()
    assert "no progress" not in log
    assert system.pid("worker-1") == worker
