"""`railhead reconcile` on a real broker and engine: what is wrong is found and named."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from events.contract.partitioner import partitions_of
from events.contract.registry import REJECTED_TOPIC
from railhead.audit.findings import hash_of_id
from railhead.cli.main import main
from streams.judge.outcomes import OutcomeCounts
from tests.railhead.audit.bookkeeper import CASINO, HandDrivenWorker, bet
from tests.railhead.audit.conftest import PARTITIONS, Look
from tests.system.e2e.system import System

pytestmark = pytest.mark.e2e


def named(document: dict[str, Any]) -> list[tuple[str, int, int]]:
    """What was found, and at which offsets."""
    return [(one["kind"], one["first"], one["last"]) for one in document["findings"]]


async def test_accounts_in_order_balance(
    parts: System, worker: HandDrivenWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0, and the table shows each outcome there is and what is in flight."""
    login = b'{"unique_id":"%d","user_id":"u","timestamp":"2026-01-15T12:00:00Z"}'
    topic = "fasttrack.realtime-login"
    values = [login % 1, login % 2, login % 1, login % 3, b"{}"]
    await worker.produce(0, *values, topic=topic)
    await worker.work(0, 0, 3, topic=topic)
    await worker.commit(0, 2, topic=topic)

    code = await asyncio.to_thread(main, ["reconcile", "--type", "realtime-login"])

    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["topic", "offsets", "stored", "duplicates", "flight", "result"] in rows
    assert ["login", "5", "3", "1", "1", "balanced"] in rows
    assert code == 0


async def test_each_outcome_is_proved(worker: HandDrivenWorker, partition: int, look: Look) -> None:
    """Stored, duplicate, conflict and rejected, the dead letter still in flight; then stored."""
    values = [bet("a"), bet("a"), bet("a", 2), b"rubbish", bet("b")]
    await worker.produce(partition, *values)
    await worker.work(partition, 0, 4)

    _, document = await look(partition)

    assert document["findings"] == []
    reported = document["account"]
    outcomes = ("stored", "duplicates", "conflicts", "rejected", "in_flight", "offsets")
    assert [reported[name] for name in outcomes] == [2, 1, 1, 1, 0, 5]
    await worker.work(0, 0, 0, topic=REJECTED_TOPIC)
    _, document = await look(partition, "--every-record")
    assert document["findings"] == []


async def test_a_hole_in_the_ledger_is_named(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """A range that was never written, between two others and before the commit."""
    await worker.produce(partition, *(bet(str(number)) for number in range(9)))
    await worker.work(partition, 0, 2)
    await worker.work(partition, 5, 6)
    await worker.commit(partition, 9)

    code, document = await look(partition)

    assert named(document) == [("gap", 3, 4), ("gap", 7, 8)]
    assert document["findings"][0]["text"] == "2 records in no range of the ledger"
    assert code == 1


async def test_a_hole_before_the_first_range_is_named(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """Kafka has records from the log's start on."""
    await worker.produce(partition, *(bet(str(number)) for number in range(4)))
    await worker.work(partition, 2, 3)

    _, document = await look(partition)

    assert named(document) == [("gap", 0, 1)]


async def test_a_lost_row_is_named(worker: HandDrivenWorker, partition: int, look: Look) -> None:
    """By topic, partition, offset, tenant and a hash of its id."""
    await worker.produce(partition, *(bet(f"lost-{number}") for number in range(5)))
    await worker.work(partition, 0, 4)
    await worker.sql(
        f"ALTER TABLE fasttrack_store.casino DELETE WHERE _partition = {partition} "
        "AND _offset = 3 SETTINGS mutations_sync = 1"
    )

    code, document = await look(partition)

    assert named(document) == [("lost", 3, 3)]
    found = document["findings"][0]
    assert (found["topic"], found["tenant"]) == (CASINO, "acme")
    assert found["id_hash"] == hash_of_id("acme", "lost-3")
    assert code == 1
    assert named((await look(partition, "--tenant", "other"))[1]) == []


async def test_a_row_stored_twice_is_found_and_shown_once(
    worker: HandDrivenWorker, partition: int, look: Look, capsys: pytest.CaptureFixture[str]
) -> None:
    """It does no harm, so it is a fault only under --strict; a copy that differs is one always."""
    await worker.produce(partition, *(bet(f"twice-{number}") for number in range(3)))
    await worker.work(partition, 0, 2)
    copy = (
        "INSERT INTO fasttrack_store.casino SELECT * {} FROM fasttrack_store.casino "
        f"WHERE _partition = {partition} AND _offset = {{}} LIMIT 1"
    )
    # Rows stored twice must stay until they were audited.
    await worker.sql("SYSTEM STOP MERGES fasttrack_store.casino")
    await worker.sql(copy.format("", 1))

    _, document = await look(partition)

    assert named(document) == [("copies", 1, 1)]
    assert [one["fault"] for one in document["findings"]] == [False]
    assert document["account"]["copies"] == 1
    assert (await look(partition, "--strict"))[0] == 1
    await worker.sql(copy.format("REPLACE(toDecimal128(99, 18) AS amount)", 2))
    _, document = await look(partition)
    assert named(document) == [("copies", 1, 1), ("altered copy", 2, 2)]
    await worker.sql("SYSTEM START MERGES fasttrack_store.casino")


async def test_foreign_rows_are_named(worker: HandDrivenWorker, partition: int, look: Look) -> None:
    """At another record's offset, at a repeat's, past the log's end, of no topic."""
    await worker.produce(partition, bet("f-0"), bet("f-1"), bet("f-1"), bet("f-3"))
    await worker.work(partition, 0, 2)
    foreign = (
        "INSERT INTO fasttrack_store.casino SELECT * REPLACE({}) FROM (SELECT * FROM "
        f"fasttrack_store.casino WHERE _partition = {partition} AND _offset = 0 LIMIT 1)"
    )
    for change in (
        "'forged-0' AS _id",
        "'forged-2' AS _id, 2 AS _offset",
        "'forged-9' AS _id, 900 AS _offset",
        "'forged-x' AS _id, 'elsewhere' AS _topic",
    ):
        await worker.sql(foreign.format(change))

    _, document = await look(partition)

    faults = [one for one in document["findings"] if one["fault"]]
    assert [(one["kind"], one["topic"], one["first"]) for one in faults] == [
        ("foreign", CASINO, 0),
        ("foreign", CASINO, 2),
        ("foreign", CASINO, 900),
        ("foreign", "elsewhere", 0),
    ]
    assert faults[1]["id_hash"] == hash_of_id("acme", "forged-2")


async def test_a_row_that_no_range_covers_is_named(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """Its range was skipped: both the gap and the rows in it are reported."""
    await worker.produce(partition, *(bet(f"u-{number}") for number in range(6)))
    await worker.work(partition, 0, 1)
    await worker.work(partition, 2, 3, skip=["ledger"])
    await worker.work(partition, 4, 5)

    _, document = await look(partition)

    assert named(document) == [("gap", 2, 3), ("foreign", 2, 3)]


async def test_a_range_that_joins_nothing_is_named(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """An overlap within one generation cannot come from a worker that kept the order."""
    await worker.produce(partition, *(bet(f"o-{number}") for number in range(6)))
    await worker.work(partition, 0, 2)
    await worker.work(partition, 3, 5)
    await worker.work(partition, 2, 4, skip=["rows"])

    code, document = await look(partition)

    assert named(document) == [("overlap", 2, 4)]
    assert code == 1


async def test_a_late_range_of_a_paused_worker_does_no_harm(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """Its rows are copies, its range is hidden; both are reported, and the accounts balance."""
    await worker.produce(partition, *(bet(f"z-{number}") for number in range(6)))
    await worker.work(partition, 0, 1, generation=4)
    await worker.work(partition, 2, 3, generation=5)
    await worker.work(partition, 4, 5, generation=5)
    await worker.work(partition, 2, 5, generation=4)

    _, document = await look(partition)

    assert named(document) == [("late", 2, 5), ("copies", 2, 5)] or named(document) == [
        ("late", 2, 5)
    ]
    assert not any(one["fault"] for one in document["findings"])
    assert document["account"]["stored"] == 6


async def test_one_id_on_two_partitions_is_superseded(
    worker: HandDrivenWorker, partitions: Any, look: Look
) -> None:
    """Both were stored, the table keeps the first; nothing is lost."""
    first, second = next(partitions), next(partitions)
    await worker.produce(first, bet("both"))
    await worker.produce(second, bet("alone"), bet("both"))
    await worker.work(first, 0, 0)
    await worker.work(second, 0, 1)
    await worker.sql(
        "ALTER TABLE fasttrack_store.casino DELETE WHERE _id = 'both' AND _partition = "
        f"{second} SETTINGS mutations_sync = 1"
    )

    _, document = await look(second)

    assert document["findings"] == []
    assert document["account"]["superseded"] == 1


@pytest.mark.parametrize("merged", [False, True], ids=["before a merge", "after it"])
@pytest.mark.parametrize(
    ("other", "found"),
    [
        (bet("both", 2), True),
        (bet("both", user_id="u2"), True),
        (bet("both", timestamp="2026-01-16T12:00:00Z"), True),
        (bet("both", type="win"), True),
        (bet("both").replace(b'"amount": 1', b'"amount": 1.00'), False),
        (bet("both", timestamp="2026-01-15T13:00:00+01:00"), False),
        (bet("both", unknown="field"), False),
    ],
    ids=["amount", "player", "day", "type", "written otherwise", "other offset", "unknown field"],
)
async def test_other_content_that_no_view_shows_is_named(
    worker: HandDrivenWorker,
    partitions: Any,
    look: Look,
    other: bytes,
    *,
    found: bool,
    merged: bool,
) -> None:
    """Both were stored, by workers that sent nothing on; the views show the first only."""
    first, second = next(partitions), next(partitions)
    await worker.produce(first, bet("both"), tenant=f"t{first}")
    await worker.produce(second, bet("alone"), other, tenant=f"t{first}")
    await worker.work(first, 0, 0)
    await worker.work(second, 0, 1)
    if merged:
        await worker.sql("OPTIMIZE TABLE fasttrack_store.casino FINAL")

    _, document = await look(second)

    expected = [("hidden content", 1, 1)] if found else []
    assert [one for one in named(document) if one[0] == "hidden content"] == expected
    assert all(one["tenant"] == f"t{first}" for one in document["findings"] if one["id_hash"])


async def test_a_moved_record_is_an_outcome_of_its_own(
    worker: HandDrivenWorker, partitions: Any, look: Look
) -> None:
    """It has no row where it was; the sums hold, and each record is compared with the id's row."""
    here, home = next(partitions), next(partitions)
    await worker.produce(home, bet("moved"))
    await worker.work(home, 0, 0)
    await worker.produce(here, bet("stays"), bet("moved"))
    await worker.work(here, 0, 0)
    fetched = await worker.read(CASINO, here, 1, 1)
    await worker.note(here, 1, 1, OutcomeCounts(moved=1), fetched=fetched)

    _, document = await look(here)
    _, every = await look(here, "--every-record")

    assert document["findings"] == every["findings"] == []
    assert (document["account"]["moved"], document["account"]["stored"]) == (1, 1)
    assert every["account"]["superseded"] == 0


async def test_a_moved_record_that_arrived_nowhere_is_lost(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """Nothing has its id, and the partition where it belongs has no work left."""
    last = PARTITIONS - 1
    gone = next(
        f"gone-{number}"
        for number in range(10_000)
        if partitions_of([f"acme:gone-{number}".encode()], PARTITIONS) == [last]
    )
    await worker.produce(partition, bet(gone))
    fetched = await worker.read(CASINO, partition, 0, 0)
    await worker.note(partition, 0, 0, OutcomeCounts(moved=1), fetched=fetched)

    _, document = await look(partition, "--every-record")

    assert named(document) == [("lost", 0, 0)]


async def test_missing_dead_letters_and_conflicts_are_named(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """The ledger has them, and neither table does."""
    await worker.produce(partition, bet("c"), bet("c", 2), b"rubbish", bet("c"))
    await worker.work(partition, 0, 3, skip=["conflicts", "dead_letters"])

    _, document = await look(partition)

    assert named(document) == [
        ("reject missing", 2, 2),
        ("conflict missing", 0, 3),
        ("conflict missing", 1, 1),
    ] or set(named(document)) == {
        ("reject missing", 2, 2),
        ("conflict missing", 0, 3),
        ("conflict missing", 1, 1),
    }


async def test_transaction_markers_are_no_records(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """Offsets without a record are checked in Kafka, and need no outcome."""
    await worker.produce(partition, bet("t-0"), bet("t-1"), transaction="audit")
    await worker.produce(partition, bet("t-3"))
    await worker.work(partition, 0, 3)

    _, document = await look(partition)

    assert document["findings"] == []
    assert document["account"]["without_record"] == 1


async def test_records_that_a_range_skips_are_named(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """A range covers records that were never judged: fewer outcomes than records."""
    await worker.produce(partition, *(bet(f"p-{number}") for number in range(5)))
    fetched = await worker.read(CASINO, partition, 0, 4)
    counts = await worker.work(partition, 0, 2, skip=["ledger"])
    await worker.note(partition, 0, 4, counts, fetched=fetched)

    _, document = await look(partition)

    assert named(document) == [("lost", 3, 3), ("lost", 4, 4), ("miscounted", 0, 4)]


async def test_what_retention_deleted_unread_is_named(
    worker: HandDrivenWorker, parts: System, partition: int, look: Look
) -> None:
    """The exact offsets between the ledger's end and the log's start."""
    await worker.produce(partition, *(bet(f"r-{number}") for number in range(6)))
    await worker.work(partition, 0, 1)
    admin = AIOKafkaAdminClient(bootstrap_servers=parts.kafka)
    await admin.start()
    await admin.delete_records({TopicPartition(CASINO, partition): RecordsToDelete(4)})
    await admin.close()

    _, document = await look(partition)

    assert named(document) == [("expired", 2, 3)]
    assert document["account"]["in_flight"] == 2


async def test_what_kafka_no_longer_keeps_is_unproven(
    worker: HandDrivenWorker, parts: System, partition: int, look: Look
) -> None:
    """A missing row whose record is gone: it cannot be shown whether it was lost."""
    await worker.produce(partition, *(bet(f"n-{number}") for number in range(4)))
    await worker.work(partition, 0, 3, skip=["rows"])
    admin = AIOKafkaAdminClient(bootstrap_servers=parts.kafka)
    await admin.start()
    await admin.delete_records({TopicPartition(CASINO, partition): RecordsToDelete(4)})
    await admin.close()

    _, document = await look(partition)

    assert named(document) == [("unproven", 0, 3)]


@pytest.mark.parametrize("incarnation", ["", "AAECAwQFBgcICQoLDA0ODw"])
async def test_ranges_of_an_earlier_topic_of_the_name_are_a_remark(
    worker: HandDrivenWorker, partition: int, look: Look, incarnation: str
) -> None:
    """They name another incarnation: no fault, a remark.

    Or none, as those of an older version, and claim later offsets at earlier times than the log's
    first record.
    """
    await worker.produce(partition, bet("y-0"), bet("y-1"))
    fetched = await worker.read(CASINO, partition, 0, 1)
    counts = await worker.work(partition, 0, 1)
    times = fetched.appended_ms - 3_600_000
    earlier = replace(fetched, appended_ms=times, incarnation=incarnation)
    await worker.note(partition, 0, 4, counts, fetched=earlier, generation=7)

    _, document = await look(partition)

    assert named(document) == [("other life", 0, 4)]
    assert document["findings"][0]["fault"] is False
    assert document["account"]["stored"] == 2


async def test_a_ledger_past_the_logs_end_is_named(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """The log lost its tail, or is another one: other records will come there next."""
    await worker.produce(partition, bet("x-0"), bet("x-1"))
    fetched = await worker.read(CASINO, partition, 0, 1)
    counts = await worker.work(partition, 0, 1, skip=["ledger"])
    await worker.note(partition, 0, 9, counts, fetched=fetched)

    _, document = await look(partition)

    assert named(document) == [("recreated", 2, 9)]


async def test_only_what_was_asked_for_is_audited(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """A fault before the moment of --since is not searched for."""
    await worker.produce(partition, bet("s-0"), bet("s-1"))
    await worker.work(partition, 0, 1, skip=["rows"])

    assert named((await look(partition, "--since", "1h"))[1]) == [("lost", 0, 0), ("lost", 1, 1)]
    _, document = await look(partition, "--since", "2200-01-01")
    assert document["findings"] == []
    assert document["account"]["offsets"] == 0


def test_what_cannot_be_asked_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and which part does not answer."""
    monkeypatch.setenv("RAILHEAD_CLICKHOUSE_URL", "http://127.0.0.1:1")

    code = main(["reconcile"])

    assert code == 2
    said = capsys.readouterr().err
    assert "ClickHouse at http://127.0.0.1:1 (from RAILHEAD_CLICKHOUSE_URL) does not answer" in said
