"""What every store promises its writer, in memory or ClickHouse."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from sinks.ledger import LedgerEntry
from tests.sinks.rows import APPENDED_MS, TOPIC, conflict, logins, rejected
from tests.sinks.subject import Subject

SINCE = datetime.fromtimestamp(APPENDED_MS / 1000, UTC)


def entry(
    topic: str, first: int, last: int, *, generation: int = 1, stored: int = 0
) -> LedgerEntry:
    """A ledger entry of partition 2."""
    return LedgerEntry(
        topic, 2, first, last, stored, 0, 0, 0, generation, "token", "worker", 1_000, 2_000
    )


async def test_rows_inserted_are_there(subject: Subject, tenant: str) -> None:
    """What insert returned for is stored."""
    await subject.store.insert("login", logins(tenant, ["a", "b"], [7, 8]), token=tenant)

    assert subject.logins(tenant) == [("a", 7), ("b", 8)]


async def test_batches_of_one_insert_are_one(subject: Subject, tenant: str) -> None:
    """A list of record batches is stored like one table."""
    batches = [
        *logins(tenant, ["a"], [7]).to_batches(),
        *logins(tenant, ["b"], [8]).to_batches(),
    ]

    await subject.store.insert("login", batches, token=tenant)

    assert subject.logins(tenant) == [("a", 7), ("b", 8)]


async def test_the_same_insert_again_adds_nothing(subject: Subject, tenant: str) -> None:
    """A token names its rows: used again, nothing is added."""
    rows = logins(tenant, ["a", "b"], [7, 8])
    await subject.store.insert("login", rows, token=tenant)

    await subject.store.insert("login", rows, token=tenant)

    assert len(subject.logins(tenant)) == 2


async def test_no_rows_are_no_insert(subject: Subject, tenant: str) -> None:
    """An empty table is stored by doing nothing; its token is still free."""
    await subject.store.insert("login", logins(tenant, [], []), token=tenant)
    await subject.store.insert("login", logins(tenant, ["a"], [7]), token=tenant)

    assert subject.logins(tenant) == [("a", 7)]


@pytest.mark.parametrize("order", [(5, 9), (9, 5)])
async def test_the_lower_offset_wins_in_any_order(
    subject: Subject, tenant: str, order: tuple[int, int]
) -> None:
    """Of one id, the record appended first counts, whichever is stored first."""
    for offset in order:
        rows = logins(tenant, ["a"], [offset])
        await subject.store.insert("login", rows, token=f"{tenant}{offset}")

    assert subject.logins(tenant) == [("a", 5)]


@pytest.mark.parametrize("later_ms", [1, 40 * 86_400_000])
async def test_the_earlier_append_wins_over_the_lower_offset(
    subject: Subject, tenant: str, later_ms: int
) -> None:
    """Across partitions time decides, also when a month of the table lies between."""
    early = logins(tenant, ["a"], [9], partition=1)
    late = logins(tenant, ["a"], [5], appended_ms=APPENDED_MS + later_ms)
    await subject.store.insert("login", early, token=tenant + "early")

    await subject.store.insert("login", late, token=tenant + "late")

    assert subject.logins(tenant) == [("a", 9)]


async def test_one_id_of_two_tenants_is_two(subject: Subject, tenant: str) -> None:
    """Ids are counted within a tenant."""
    await subject.store.insert("login", logins(tenant, ["a"], [7]), token=tenant)
    await subject.store.insert("login", logins(tenant + "x", ["a"], [8]), token=tenant + "x")

    assert subject.logins(tenant) == [("a", 7)]
    assert subject.logins(tenant + "x") == [("a", 8)]


async def test_stored_offsets_are_those_asked_for(subject: Subject, tenant: str) -> None:
    """Partition, first offset and time bound the answer."""
    topic = f"topic-{tenant}"
    await subject.store.insert(
        "login",
        pa.concat_tables(
            [
                logins(tenant, ["a", "b", "c"], [7, 8, 9], topic=topic),
                logins(tenant, ["d"], [9], topic=topic, partition=1),
                logins(tenant, ["e"], [10], topic=topic, appended_ms=APPENDED_MS - 1),
                logins(tenant, ["f"], [11], topic="another"),
            ]
        ),
        token=tenant,
    )

    stored = await subject.store.stored_offsets("login", topic, 0, first=8, since=SINCE)

    assert stored == {8: APPENDED_MS, 9: APPENDED_MS}
    assert await subject.store.stored_offsets("login", topic, 0, first=7, last=8, since=SINCE) == {
        7: APPENDED_MS,
        8: APPENDED_MS,
    }


async def test_conflicts_are_found_by_offset_as_rows_are(subject: Subject, tenant: str) -> None:
    """Of this incarnation of the topic, and those that name none."""
    topic = f"topic-{tenant}"
    places = [(7, "one"), (8, "one"), (9, "two"), (10, ""), (11, "one")]
    times = [APPENDED_MS, APPENDED_MS, APPENDED_MS, APPENDED_MS, APPENDED_MS - 1]
    count = len(places)
    await subject.store.write_conflicts(
        pa.table(
            {
                "tenant": [tenant] * count,
                "event": ["realtime-login"] * count,
                "id": ["a"] * count,
                "topic": [topic] * count,
                "incarnation": [incarnation for _, incarnation in places],
                "partition": pa.array([2] * count, pa.int32()),
                "offset": [offset for offset, _ in places],
                "first_offset": [0] * count,
                "raw": ["{}"] * count,
                "request_id": [""] * count,
                "received_at": pa.array(times).cast(pa.timestamp("ms", "UTC")),
                "_appended_at": pa.array(times).cast(pa.timestamp("ms", "UTC")),
            }
        )
    )

    found = await subject.store.stored_offsets(
        "conflicts", topic, 2, first=8, since=SINCE, incarnation="one"
    )

    assert found == {8: APPENDED_MS, 10: APPENDED_MS}
    other = {"first": 0, "since": SINCE, "incarnation": "one"}
    assert await subject.store.stored_offsets("conflicts", topic, 1, **other) == {}
    assert await subject.store.stored_offsets("conflicts", f"{topic}x", 2, **other) == {}


async def test_the_ledger_ends_behind_what_begins_before_an_offset(
    subject: Subject, tenant: str
) -> None:
    """Nothing is said where no range begins before it."""
    await subject.store.write_ledger([entry(tenant, 0, 9), entry(tenant, 10, 19)])

    async def end(before: int, partition: int = 2) -> int | None:
        found: int | None = await subject.store.ledger_end(tenant, partition, before=before)
        return found

    assert [await end(at) for at in (0, 1, 10, 11, 99)] == [None, 10, 10, 20, 20]
    assert await end(99, partition=3) is None


async def test_ledger_ranges_end_at_or_past_the_offset(subject: Subject, tenant: str) -> None:
    """A range that covers the offset is among them; those before, and of others, are not."""
    mine = [entry(tenant, first, first + 9, stored=3) for first in (0, 10, 20)]
    await subject.store.write_ledger([*mine, entry(tenant + "x", 0, 99)])

    ranges = await subject.store.ledger_ranges(tenant, 2, at_or_past=15)

    assert mine[1:] == ranges
    assert await subject.store.ledger_ranges(tenant, 3, at_or_past=0) == []


async def test_the_ledger_knows_until_when_records_were_appended(
    subject: Subject, tenant: str
) -> None:
    """The latest time before an offset; nothing where it has a hole right before it."""
    first = replace(entry(tenant, 0, 9), last_appended_ms=9_000)
    await subject.store.write_ledger([first, entry(tenant, 10, 19), entry(tenant, 20, 29)])

    async def until(before: int, partition: int = 2) -> int | None:
        found: int | None = await subject.store.appended_until(tenant, partition, before=before)
        return found

    assert await until(20) == await until(15) == await until(30) == 9_000
    assert await until(31) is None
    assert await until(0) is None
    assert await until(20, partition=3) is None


async def test_a_range_noted_twice_is_one(subject: Subject, tenant: str) -> None:
    """A ledger write may be repeated."""
    await subject.store.write_ledger([entry(tenant, 0, 9)])
    await subject.store.write_ledger([entry(tenant, 0, 9)])

    assert [entry(tenant, 0, 9)] == await subject.store.ledger_ranges(tenant, 2, at_or_past=0)


async def test_no_ranges_are_no_write(subject: Subject) -> None:
    """Nothing to note is fine."""
    await subject.store.write_ledger([])


async def test_a_conflict_kept_twice_is_one(subject: Subject, tenant: str) -> None:
    """A conflict is known by its own coordinate."""
    for offset in (7, 7, 8):
        await subject.store.write_conflicts(conflict(tenant, offset))

    assert subject.kept("conflicts", tenant) == [(TOPIC, 3, 7, "{}"), (TOPIC, 3, 8, "{}")]


async def test_a_rejected_item_reported_twice_is_one(subject: Subject, tenant: str) -> None:
    """A refusal is known by the name that ingest API or worker gave it, not by its place."""
    for offset, report in ((1, "a:0"), (2, "a:0"), (3, "a:1")):
        await subject.store.insert(
            "rejected", rejected(tenant, offset, report=report), token=uuid.uuid4().hex
        )

    assert subject.kept("rejected", tenant) == [("", None, None, "{}")] * 2


@pytest.mark.parametrize(
    "same",
    [
        {"request_id": "r", "position": 0},
        {"request_id": ""},
        {"topic": TOPIC, "partition": 0, "offset": 5},
        {"topic": TOPIC},
        {"raw": "", "reason": "x", "position": 2**62},
    ],
    ids=lambda same: next(iter(same)),
)
async def test_nothing_that_a_client_sends_makes_two_refusals_one(
    subject: Subject, tenant: str, same: dict[str, Any]
) -> None:
    """Request ids, positions and coordinates may come twice; each refusal is a row."""
    for offset in (1, 2):
        await subject.store.insert(
            "rejected", rejected(tenant, offset, **same), token=uuid.uuid4().hex
        )

    assert len(subject.kept("rejected", tenant)) == 2


async def test_a_report_without_a_name_is_known_by_its_own_coordinate(
    subject: Subject, tenant: str
) -> None:
    """As workers of an older version write it."""
    for offset in (1, 2, 2):
        row = rejected(tenant, offset).drop_columns(["_report"])
        await subject.store.insert("rejected", row, token=uuid.uuid4().hex)

    assert len(subject.kept("rejected", tenant)) == 2


async def test_a_conflict_in_a_recreated_topic_is_another_one(
    subject: Subject, tenant: str
) -> None:
    """Same topic, partition and offset name another record there."""
    for incarnation in ("one", "two"):
        await subject.store.write_conflicts(conflict(tenant, 7, incarnation=incarnation))
    for at_ms in (APPENDED_MS, APPENDED_MS + 1):
        await subject.store.write_conflicts(conflict(tenant, 7, incarnation="", at_ms=at_ms))

    assert subject.kept("conflicts", tenant) == [(TOPIC, 3, 7, "{}")] * 4


async def test_a_range_of_a_recreated_topic_is_another_one(subject: Subject, tenant: str) -> None:
    """It takes no other range's place, and says of which incarnation it is."""
    ranges = [replace(entry(tenant, 0, 9), incarnation=name) for name in ("one", "two")]
    ranges.append(replace(entry(tenant, 0, 9), last_appended_ms=9_000))
    for one in ranges:
        await subject.store.write_ledger([one])

    found = await subject.store.ledger_ranges(tenant, 2, at_or_past=0)

    assert sorted(found, key=str) == sorted(ranges, key=str)


async def test_stored_offsets_are_those_of_one_incarnation(subject: Subject, tenant: str) -> None:
    """And of rows that name none, which may be of any."""
    topic = f"topic-{tenant}"
    for offset, incarnation in ((0, "one"), (1, "two"), (2, "")):
        rows = logins(tenant, [f"x{offset}"], [offset], topic=topic)
        column = pa.array([incarnation]).dictionary_encode()
        await subject.store.insert(
            "login", rows.append_column("_incarnation", column), token=f"{topic}-{offset}"
        )

    stored = await subject.store.stored_offsets(
        "login", topic, 0, first=0, since=SINCE, incarnation="two"
    )

    assert sorted(stored) == [1, 2]
