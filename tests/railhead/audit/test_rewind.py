"""Where the workers are to read again from, which changes only when none runs."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from railhead.audit.accounts import PartitionAccount, TopicAccount
from railhead.audit.chain import Span
from railhead.audit.findings import AuditFinding, FindingKind
from railhead.audit.rewind import rewinds_of
from railhead.cli.main import main
from tests.railhead.audit.bookkeeper import CASINO, HandDrivenWorker, bet
from tests.railhead.audit.conftest import Look
from tests.system.e2e.system import System


def account(
    *faults: tuple[FindingKind, int, int, int], committed: int | None = 100, kept_from: int = 0
) -> TopicAccount:
    """An account of partitions 0 and 1, with faults: kind, partition, first and last offset."""
    findings = [
        AuditFinding(kind=kind, topic="t", partition=number, span=Span(first, last), text="")
        for kind, number, first, last in faults
    ]
    partitions = [
        PartitionAccount(number, 0, 120, committed, kept_from=kept_from) for number in (0, 1)
    ]
    return TopicAccount("t", partitions, findings)


LOST, GAP, SHORT = FindingKind.LOST, FindingKind.GAP, FindingKind.SHORT


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (account(), []),
        (account((LOST, 0, 7, 7)), [(0, 7)]),
        (account((GAP, 0, 3, 4), (LOST, 0, 7, 7), (SHORT, 1, 50, 60)), [(0, 3), (1, 50)]),
        (account((FindingKind.CONFLICT_MISSING, 1, 9, 9)), [(1, 9)]),
        # Kafka has a part of it, or nothing.
        (account((GAP, 0, 3, 9), kept_from=5), [(0, 5)]),
        (account((GAP, 0, 3, 9), (LOST, 0, 20, 20), kept_from=10), [(0, 20)]),
        (account((GAP, 0, 3, 9), kept_from=10), []),
        # Nothing to go back from: the workers are not past it.
        (account((GAP, 0, 3, 9), committed=None), []),
        (account((GAP, 0, 3, 9), committed=3), []),
        # No reading again helps, or none is needed.
        (account((FindingKind.FOREIGN, 0, 7, 7), (FindingKind.COPIES, 0, 8, 8)), []),
        (account((FindingKind.MERGED, 0, 7, 7), (FindingKind.EXPIRED, 0, 0, 9)), []),
    ],
)
def test_what_is_missing_is_read_again_from_its_first_offset(
    given: TopicAccount, expected: list[tuple[int, int]]
) -> None:
    """Of each partition, as far as Kafka still has the records."""
    found = rewinds_of([given])

    assert [(one.partition, one.offset) for one in found] == expected
    assert {one.committed for one in found} <= {100}


async def committed(worker: HandDrivenWorker, partition: int) -> int:
    """What the workers' group has committed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=worker.kafka)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets("railhead")
        return int(offsets[TopicPartition(CASINO, partition)].offset)
    finally:
        await admin.close()


@pytest.mark.e2e
async def test_a_gap_that_kafka_can_fill_is_read_again(
    worker: HandDrivenWorker, partition: int, look: Look, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only when it is asked for; what cannot be mended stays as it is, and so do the others."""
    await worker.produce(partition, *(bet(f"rewind-{number}") for number in range(9)))
    await worker.work(partition, 0, 2)
    await worker.work(partition, 5, 8)
    await worker.commit(partition, 9)

    _, document = await look(partition)

    mine = [one for one in document["rewinds"] if one["partition"] == partition]
    assert mine == [{"topic": CASINO, "partition": partition, "offset": 3, "committed": 9}]
    assert await committed(worker, partition) == 9
    await asyncio.to_thread(main, ["reconcile", "--type", "realtime-casino"])
    advice = " ".join(capsys.readouterr().out.split())
    assert f"{CASINO}[{partition}] from 3 on" in advice
    assert "stop all workers, run `railhead reconcile --mend` and start them again" in advice
    await look(partition, "--mend")
    assert await committed(worker, partition) == 3


@pytest.mark.e2e
async def test_nothing_is_rewound_under_a_worker(
    worker: HandDrivenWorker, parts: System, partition: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would commit its own offset over that, and not look back meanwhile."""
    await worker.produce(partition, *(bet(f"busy-{number}") for number in range(4)))
    await worker.work(partition, 2, 3)
    await worker.commit(partition, 4)
    member = AIOKafkaConsumer(CASINO, bootstrap_servers=parts.kafka, group_id="railhead")
    await member.start()
    try:
        code = await asyncio.to_thread(
            main, ["reconcile", "--type", "realtime-casino", "--json", "--mend"]
        )
    finally:
        await member.stop()

    assert code == 2
    assert "1 workers are in the group railhead; stop them first" in capsys.readouterr().err
    assert await committed(worker, partition) == 4


@pytest.mark.e2e
async def test_what_kafka_has_deleted_is_not_read_again(
    worker: HandDrivenWorker, partition: int, look: Look
) -> None:
    """The gap stays named; no offset is changed for it."""
    await worker.produce(partition, *(bet(f"gone-{number}") for number in range(6)))
    await worker.work(partition, 0, 1)
    await worker.work(partition, 4, 5)
    await worker.commit(partition, 6)
    admin = AIOKafkaAdminClient(bootstrap_servers=worker.kafka)
    await admin.start()
    await admin.delete_records(
        {TopicPartition(CASINO, partition): RecordsToDelete(before_offset=4)}
    )
    await admin.close()

    _, document = await look(partition, "--mend")

    assert [one["kind"] for one in document["findings"]] == ["gap"]
    assert [one for one in document["rewinds"] if one["partition"] == partition] == []
    assert await committed(worker, partition) == 6
