"""What a merge wrongly removed is found: what is kept is compared with the ledger."""

from __future__ import annotations

import json
from typing import Any

import pytest

from events.contract.registry import REJECTED_TOPIC
from tests.railhead.audit.bookkeeper import HandDrivenWorker, bet
from tests.railhead.audit.conftest import Look

pytestmark = pytest.mark.e2e

CASINO = "fasttrack.realtime-casino"
EARLIER = "AAECAwQFBgcICQoLDA0ODw"


def kinds(document: dict[str, Any]) -> list[str]:
    """What was found, without remarks."""
    return sorted({one["kind"] for one in document["findings"] if one["fault"]})


def dead_letter(raw: str, **fields: Any) -> bytes:
    """A dead letter."""
    return json.dumps({"reason": "r", "tenant": "acme", "raw": raw, **fields}).encode()


async def merged(worker: HandDrivenWorker, table: str, condition: str) -> None:
    """Remove rows as a merge does that keeps others instead."""
    await worker.sql(
        f"ALTER TABLE fasttrack_store.{table} DELETE WHERE {condition} SETTINGS mutations_sync = 2"
    )


async def test_a_reject_that_was_merged_away_is_a_finding(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """Two were reported and one is kept; a rejection that was reported twice is one."""
    await worker.produce(
        partition, dead_letter("one"), dead_letter("two"), topic=REJECTED_TOPIC, tenant=None
    )
    twice = dead_letter("three", report="number:0")
    await worker.produce(partition, twice, twice, topic=REJECTED_TOPIC, tenant=None)
    await worker.work(partition, 0, 3, topic=REJECTED_TOPIC)
    _, document = await look(partition, "--type", "rejected")
    assert kinds(document) == []

    await merged(worker, "rejected", f"_partition = {partition} AND raw = 'two'")

    _, document = await look(partition, "--type", "rejected")
    assert kinds(document) == ["lost"]


async def test_a_conflict_that_was_merged_away_is_a_finding(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """The ledger has two, one is kept."""
    await worker.produce(partition, bet("m"), bet("m", 2), bet("m", 3))
    await worker.work(partition, 0, 2)
    assert kinds((await look(partition))[1]) == []

    await merged(worker, "conflicts", f"partition = {partition} AND offset = 1")

    assert kinds((await look(partition))[1]) == ["conflict missing"]


async def test_a_row_that_was_merged_away_is_a_finding(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """No row has its id."""
    await worker.produce(partition, bet("x"), bet("y"))
    await worker.work(partition, 0, 1)

    await merged(worker, "casino", f"_partition = {partition} AND _id = 'y'")

    assert kinds((await look(partition))[1]) == ["lost"]


@pytest.mark.parametrize("table", ["ledger", "conflicts"])
async def test_rows_that_differ_and_share_a_key_are_a_finding_before_a_merge(
    worker: HandDrivenWorker, partition: int, look: Look, table: str
) -> None:
    """After the merge nothing shows what the other one was."""
    await worker.produce(partition, bet("z"), bet("z", 2))
    await worker.work(partition, 0, 1)
    await worker.sql(f"SYSTEM STOP MERGES fasttrack_store.{table}")
    change = "9 AS duplicates" if table == "ledger" else "'other' AS raw"
    await worker.sql(
        f"INSERT INTO fasttrack_store.{table} SELECT * REPLACE ({change}) "
        f"FROM fasttrack_store.{table} WHERE topic = '{CASINO}' AND partition = {partition} "
        "SETTINGS async_insert = 0"
    )
    try:
        assert "merged away" in kinds((await look(partition))[1])
    finally:
        await worker.sql(f"SYSTEM START MERGES fasttrack_store.{table}")


async def test_what_is_kept_of_an_earlier_topic_is_counted(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """Kafka no longer has its records: what the ledger has of it must still be kept."""
    await worker.produce(partition, bet("e"), bet("e", 2))
    await worker.work(partition, 0, 1)
    for table in ("ledger", "conflicts", "casino"):
        column = "_incarnation" if table == "casino" else "incarnation"
        columns = "_topic, _partition" if table == "casino" else "topic, partition"
        await worker.sql(
            f"INSERT INTO fasttrack_store.{table} "
            f"SELECT * REPLACE ('{EARLIER}' AS {column}) FROM fasttrack_store.{table} "
            f"WHERE ({columns}) = ('{CASINO}', {partition}) SETTINGS async_insert = 0"
        )
    assert kinds((await look(partition))[1]) == []

    await merged(worker, "conflicts", f"partition = {partition} AND incarnation = '{EARLIER}'")

    assert kinds((await look(partition))[1]) == ["conflict missing"]
