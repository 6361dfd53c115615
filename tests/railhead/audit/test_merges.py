"""What a merge took away that was not the same is found: what is kept is held against the books."""

from __future__ import annotations

import json
from typing import Any

import pytest

from events.contract.registry import REJECTED_TOPIC
from tests.railhead.audit.bookkeeper import Bookkeeper, bet
from tests.railhead.audit.conftest import Look

CASINO = "fasttrack.realtime-casino"
EARLIER = "AAECAwQFBgcICQoLDA0ODw"


def kinds(document: dict[str, Any]) -> list[str]:
    """What was found, without remarks."""
    return sorted({one["kind"] for one in document["findings"] if one["fault"]})


def dead_letter(raw: str, **fields: Any) -> bytes:
    """A dead letter."""
    return json.dumps({"reason": "r", "tenant": "acme", "raw": raw, **fields}).encode()


async def merged(queries: Bookkeeper, table: str, condition: str) -> None:
    """Take rows away as a merge does that keeps others in their place."""
    await queries.sql(
        f"ALTER TABLE fasttrack_store.{table} DELETE WHERE {condition} SETTINGS mutations_sync = 2"
    )


async def test_a_reject_that_was_merged_away_is_a_finding(
    queries: Bookkeeper, partition: int, look: Look
) -> None:
    """Two were reported and one is kept; a refusal that was reported twice is one."""
    await queries.produce(
        partition, dead_letter("one"), dead_letter("two"), topic=REJECTED_TOPIC, tenant=None
    )
    twice = dead_letter("three", report="number:0")
    await queries.produce(partition, twice, twice, topic=REJECTED_TOPIC, tenant=None)
    await queries.work(partition, 0, 3, topic=REJECTED_TOPIC)
    _, document = await look(partition, "--type", "rejected")
    assert kinds(document) == []

    await merged(queries, "rejected", f"_partition = {partition} AND raw = 'two'")

    _, document = await look(partition, "--type", "rejected")
    assert kinds(document) == ["lost"]


async def test_a_conflict_that_was_merged_away_is_a_finding(
    queries: Bookkeeper, partition: int, look: Look
) -> None:
    """The ledger tells two, one is kept."""
    await queries.produce(partition, bet("m"), bet("m", 2), bet("m", 3))
    await queries.work(partition, 0, 2)
    assert kinds((await look(partition))[1]) == []

    await merged(queries, "conflicts", f"partition = {partition} AND offset = 1")

    assert kinds((await look(partition))[1]) == ["conflict missing"]


async def test_a_row_that_was_merged_away_is_a_finding(
    queries: Bookkeeper, partition: int, look: Look
) -> None:
    """No row has its id."""
    await queries.produce(partition, bet("x"), bet("y"))
    await queries.work(partition, 0, 1)

    await merged(queries, "casino", f"_partition = {partition} AND _id = 'y'")

    assert kinds((await look(partition))[1]) == ["lost"]


@pytest.mark.parametrize("table", ["ledger", "conflicts"])
async def test_rows_that_differ_and_share_a_key_are_a_finding_before_a_merge(
    queries: Bookkeeper, partition: int, look: Look, table: str
) -> None:
    """Afterwards nobody could tell what the other one was."""
    await queries.produce(partition, bet("z"), bet("z", 2))
    await queries.work(partition, 0, 1)
    await queries.sql(f"SYSTEM STOP MERGES fasttrack_store.{table}")
    change = "9 AS duplicates" if table == "ledger" else "'other' AS raw"
    await queries.sql(
        f"INSERT INTO fasttrack_store.{table} SELECT * REPLACE ({change}) "
        f"FROM fasttrack_store.{table} WHERE topic = '{CASINO}' AND partition = {partition} "
        "SETTINGS async_insert = 0"
    )
    try:
        assert "merged away" in kinds((await look(partition))[1])
    finally:
        await queries.sql(f"SYSTEM START MERGES fasttrack_store.{table}")


async def test_what_is_kept_of_an_earlier_topic_is_counted(
    queries: Bookkeeper, partition: int, look: Look
) -> None:
    """Kafka no longer has its records: what the ledger told of it must still be kept."""
    await queries.produce(partition, bet("e"), bet("e", 2))
    await queries.work(partition, 0, 1)
    for table in ("ledger", "conflicts", "casino"):
        column = "_incarnation" if table == "casino" else "incarnation"
        place = "_topic, _partition" if table == "casino" else "topic, partition"
        await queries.sql(
            f"INSERT INTO fasttrack_store.{table} "
            f"SELECT * REPLACE ('{EARLIER}' AS {column}) FROM fasttrack_store.{table} "
            f"WHERE ({place}) = ('{CASINO}', {partition}) SETTINGS async_insert = 0"
        )
    assert kinds((await look(partition))[1]) == []

    await merged(queries, "conflicts", f"partition = {partition} AND incarnation = '{EARLIER}'")

    assert kinds((await look(partition))[1]) == ["conflict missing"]
