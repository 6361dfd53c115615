"""What a merge took away that was not the same is found: what is kept is held against the books."""

from __future__ import annotations

import json
from typing import Any

import pytest

from events.registry import REJECTED_TOPIC
from tests.accounting.bookkeeper import Bookkeeper, bet
from tests.accounting.conftest import Look

CASINO = "fasttrack.realtime-casino"
EARLIER = "AAECAwQFBgcICQoLDA0ODw"


def kinds(document: dict[str, Any]) -> list[str]:
    """What was found, without remarks."""
    return sorted({one["kind"] for one in document["findings"] if one["fault"]})


def letter(raw: str, **fields: Any) -> bytes:
    """A dead letter."""
    return json.dumps({"reason": "r", "tenant": "acme", "raw": raw, **fields}).encode()


async def merged(books: Bookkeeper, table: str, condition: str) -> None:
    """Take rows away as a merge does that keeps others in their place."""
    await books.sql(
        f"ALTER TABLE fasttrack_store.{table} DELETE WHERE {condition} SETTINGS mutations_sync = 2"
    )


async def test_a_reject_that_was_merged_away_is_a_finding(
    books: Bookkeeper, partition: int, look: Look
) -> None:
    """Two were reported and one is kept; a refusal that was reported twice is one."""
    await books.produce(partition, letter("one"), letter("two"), topic=REJECTED_TOPIC, tenant=None)
    twice = letter("three", report="number:0")
    await books.produce(partition, twice, twice, topic=REJECTED_TOPIC, tenant=None)
    await books.work(partition, 0, 3, topic=REJECTED_TOPIC)
    _, document = await look(partition, "--type", "rejected")
    assert kinds(document) == []

    await merged(books, "rejected", f"_partition = {partition} AND raw = 'two'")

    _, document = await look(partition, "--type", "rejected")
    assert kinds(document) == ["lost"]


async def test_a_conflict_that_was_merged_away_is_a_finding(
    books: Bookkeeper, partition: int, look: Look
) -> None:
    """The ledger tells two, one is kept."""
    await books.produce(partition, bet("m"), bet("m", 2), bet("m", 3))
    await books.work(partition, 0, 2)
    assert kinds((await look(partition))[1]) == []

    await merged(books, "conflicts", f"partition = {partition} AND offset = 1")

    assert kinds((await look(partition))[1]) == ["conflict missing"]


async def test_a_row_that_was_merged_away_is_a_finding(
    books: Bookkeeper, partition: int, look: Look
) -> None:
    """No row has its id."""
    await books.produce(partition, bet("x"), bet("y"))
    await books.work(partition, 0, 1)

    await merged(books, "casino", f"_partition = {partition} AND _id = 'y'")

    assert kinds((await look(partition))[1]) == ["lost"]


@pytest.mark.parametrize("table", ["ledger", "conflicts"])
async def test_rows_that_differ_and_share_a_key_are_a_finding_before_a_merge(
    books: Bookkeeper, partition: int, look: Look, table: str
) -> None:
    """Afterwards nobody could tell what the other one was."""
    await books.produce(partition, bet("z"), bet("z", 2))
    await books.work(partition, 0, 1)
    await books.sql(f"SYSTEM STOP MERGES fasttrack_store.{table}")
    change = "9 AS duplicates" if table == "ledger" else "'other' AS raw"
    await books.sql(
        f"INSERT INTO fasttrack_store.{table} SELECT * REPLACE ({change}) "
        f"FROM fasttrack_store.{table} WHERE topic = '{CASINO}' AND partition = {partition} "
        "SETTINGS async_insert = 0"
    )
    try:
        assert "merged away" in kinds((await look(partition))[1])
    finally:
        await books.sql(f"SYSTEM START MERGES fasttrack_store.{table}")


async def test_what_is_kept_of_an_earlier_topic_is_counted(
    books: Bookkeeper, partition: int, look: Look
) -> None:
    """Kafka no longer has its records: what the ledger told of it must still be kept."""
    await books.produce(partition, bet("e"), bet("e", 2))
    await books.work(partition, 0, 1)
    for table in ("ledger", "conflicts", "casino"):
        column = "_incarnation" if table == "casino" else "incarnation"
        place = "_topic, _partition" if table == "casino" else "topic, partition"
        await books.sql(
            f"INSERT INTO fasttrack_store.{table} "
            f"SELECT * REPLACE ('{EARLIER}' AS {column}) FROM fasttrack_store.{table} "
            f"WHERE ({place}) = ('{CASINO}', {partition}) SETTINGS async_insert = 0"
        )
    assert kinds((await look(partition))[1]) == []

    await merged(books, "conflicts", f"partition = {partition} AND incarnation = '{EARLIER}'")

    assert kinds((await look(partition))[1]) == ["conflict missing"]
