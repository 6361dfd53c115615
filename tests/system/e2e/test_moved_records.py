"""An id has one partition, whichever client produces it: records elsewhere are moved."""

from __future__ import annotations

import asyncio
import json
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.system.e2e.system import System, wait_until
from tests.system.e2e.test_main_way import PAYMENT, bet, count, new_tenant

pytestmark = pytest.mark.e2e

PARTITIONS = 3
Placement = Callable[[bytes], tuple[bytes | None, int | None]]
"""Key and partition of a record whose key would be TENANT:ID."""


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A stack with three partitions a topic, which these tests share."""
    directory = tmp_path_factory.mktemp("three") / "data"
    running = System.make(directory, "--partitions", str(PARTITIONS))
    running.up()
    yield running
    assert running.down() == 0


def by_crc32(key: bytes) -> tuple[bytes | None, int | None]:
    """As librdkafka's partitioner `consistent`, which its default uses for records with a key."""
    return key, zlib.crc32(key) % PARTITIONS


def anywhere(key: bytes) -> tuple[bytes | None, int | None]:
    """No key, and a partition by chance."""
    del key
    return None, random.randrange(PARTITIONS)  # noqa: S311 - no secret


def by_player(key: bytes) -> tuple[bytes | None, int | None]:
    """A key of the producer's own, by Kafka's partitioner."""
    return b"player-%d" % (len(key) % 2), None


def partition(number: int) -> Placement:
    """All records on one partition."""
    return lambda key: (key, number)


PLACEMENTS: dict[str, Placement] = {
    "librdkafka": by_crc32,
    "without a key": anywhere,
    "keys of its own": by_player,
    "all on one": partition(1),
}


async def produce(
    system: System,
    tenant: str,
    items: Sequence[dict[str, Any]],
    placement: Placement,
    headers: Sequence[tuple[str, bytes]] = (),
) -> None:
    """Produce *items* of one type as another system does."""
    producer = AIOKafkaProducer(bootstrap_servers=system.kafka)
    await producer.start()
    try:
        for item in items:
            data = item["data"]
            id_ = data.get("unique_id") or data.get("payment_id") or data["activity_id"]
            key, number = placement(f"{tenant}:{id_}".encode())
            await producer.send(
                f"fasttrack.{item['event']}",
                json.dumps(item).encode(),
                key=key,
                partition=number,
                headers=[("tenant", tenant.encode()), *headers],
            )
        await producer.flush()
    finally:
        await producer.stop()


def outcomes(system: System, event: str = "realtime-casino") -> dict[str, int]:
    """The sums of the ledger of one type."""
    names = ("stored", "duplicates", "conflicts", "rejected", "moved")
    columns = ", ".join(f"sum({name})" for name in names)
    query = f"SELECT {columns} FROM fasttrack.ledger WHERE topic = 'fasttrack.{event}'"
    return dict(zip(names, system.sql(query)[0], strict=True))


def settled(system: System) -> dict[str, Any]:
    """What `railhead reconcile` says when nothing is in flight."""

    def reported() -> Any:
        document = json.loads(system.railhead("reconcile", "--json", check=False) or "{}")
        return document if document.get("in_flight") == 0 else None

    return dict(wait_until(reported, seconds=120, what="nothing is in flight", every=1))


def partitions_of_rows(system: System, tenant: str) -> set[tuple[int, ...]]:
    """In which partitions rows of the tenant were stored."""
    return set(
        system.sql(f"SELECT _partition FROM fasttrack_store.casino WHERE tenant = '{tenant}'")
    )


@pytest.mark.parametrize("placement", PLACEMENTS.values(), ids=PLACEMENTS)
def test_other_contents_of_an_id_are_conflicts_wherever_they_were_produced(
    three: System, placement: Placement
) -> None:
    """The first counts, a repeat is dropped, each other content is kept; also after a merge."""
    tenant = new_tenant()
    key = three.tenant(tenant)
    first = [bet(f"id-{number}") for number in range(40)]
    other = [bet(f"id-{number}", amount=7) for number in range(40)]
    three.post_items(first, key)
    three.wait_value(count(tenant), 40)
    settled(three)
    before = outcomes(three)

    asyncio.run(produce(three, tenant, [*other, *first], placement))

    three.wait_value(count(tenant, "conflicts"), 40, seconds=60)
    document = settled(three)
    three.sql("OPTIMIZE TABLE fasttrack_store.casino FINAL")
    assert document["balanced"], document["findings"]
    assert settled(three)["balanced"]
    assert three.value(count(tenant)) == 40
    assert three.value(count(tenant, "conflicts")) == 40
    amounts = f"SELECT DISTINCT toFloat64(amount) FROM fasttrack.casino WHERE tenant = '{tenant}'"
    assert three.sql(amounts) == [(0.5,)]
    gained = {name: number - before[name] for name, number in outcomes(three).items()}
    assert (gained["stored"], gained["conflicts"], gained["rejected"]) == (0, 40, 0)
    # A moved record is counted where it lay and where it belongs.
    assert gained["duplicates"] == 40
    assert 0 < gained["moved"] <= 80


def test_the_first_of_an_id_may_be_misplaced(three: System) -> None:
    """It counts once it is where it belongs, and what comes by HTTP after it is judged by it."""
    tenant = new_tenant()
    key = three.tenant(tenant)
    items = [bet(f"id-{number}", amount=3) for number in range(60)]

    for number in range(PARTITIONS):
        asyncio.run(produce(three, tenant, items, partition(number)))
    three.wait_value(count(tenant), 60)
    three.post_items([bet(f"id-{number}", amount=4) for number in range(60)], key)

    three.wait_value(count(tenant, "conflicts"), 60)
    assert settled(three)["balanced"]
    assert three.value(count(tenant)) == 60
    assert len(partitions_of_rows(three, tenant)) == PARTITIONS


def test_items_that_come_by_http_are_never_moved(three: System) -> None:
    """The ingest API and the workers agree where an id belongs, also under a tenant's own rule."""
    tenant = new_tenant()
    options = ("--id-fields", "realtime-payment=payment_id,status", "--data-dir")
    key = three.railhead("tenant", "add", tenant, *options, str(three.data_dir)).strip()
    payments = [
        {**PAYMENT, "data": {**PAYMENT["data"], "payment_id": f"p-é{number}", "status": status}}
        for number in range(30)
        for status in ("requested", "approved")
    ]
    settled(three)
    before = outcomes(three), outcomes(three, "realtime-payment")

    three.post_items([*payments, *(bet(f"漢|{number}") for number in range(60))], key)

    three.wait_value(count(tenant, "payment"), 60)
    three.wait_value(count(tenant), 60)
    settled(three)
    assert outcomes(three)["moved"] == before[0]["moved"]
    assert outcomes(three, "realtime-payment")["moved"] == before[1]["moved"]


def test_a_wider_id_of_a_tenants_own_is_one_row_wherever_it_was_produced(three: System) -> None:
    """Two states of a payment are two ids; both belong to the partition of the payment."""
    tenant = new_tenant()
    options = ("--id-fields", "realtime-payment=payment_id,status", "--data-dir")
    key = three.railhead("tenant", "add", tenant, *options, str(three.data_dir)).strip()
    payments = [
        {**PAYMENT, "data": {**PAYMENT["data"], "payment_id": f"p-{number}", "status": status}}
        for number in range(20)
        for status in ("requested", "approved")
    ]
    three.post_items(payments, key)
    three.wait_value(count(tenant, "payment"), 40)
    settled(three)
    before = outcomes(three, "realtime-payment")["duplicates"]

    asyncio.run(produce(three, tenant, payments, by_crc32))

    wait_until(
        lambda: outcomes(three, "realtime-payment")["duplicates"] == before + 40,
        seconds=60,
        what="each is a repeat",
    )
    assert settled(three)["balanced"]
    assert three.value(count(tenant, "payment")) == 40


FORGED = {
    "as we write it": b'{"partition":0,"offset":1,"appended_ms":1000,"times":1}',
    "too often": b'{"partition":0,"offset":1,"appended_ms":1000,"times":3}',
    "far away": b'{"partition":0,"offset":1,"appended_ms":9223372036854775807,"times":0}',
    "no numbers": b'{"partition":true,"offset":"1","appended_ms":null,"times":[]}',
    "no object": b"[1]",
    "no JSON": b"\xff",
    "empty": b"",
    "long": b"[" * 100_000,
}


def test_a_forged_header_breaks_nothing(three: System) -> None:
    """A producer may write our header: its records are valid, and each id is one row."""
    tenant = new_tenant()
    items = [bet(f"id-{number}") for number in range(20)]

    for forged in FORGED.values():
        asyncio.run(produce(three, tenant, items, anywhere, [("moved_from", forged)]))

    document = settled(three)
    assert document["balanced"], document["findings"]
    assert three.value(count(tenant)) == 20
    assert three.value(count(tenant, "conflicts")) == 0
    assert three.value(count(tenant, "rejected")) == 0


def test_what_is_sent_on_keeps_its_value_and_headers(three: System) -> None:
    """And says where it lay; its receive time is that of its first append."""
    tenant = new_tenant()
    own = [("request_id", b"batch-7"), ("trace", b"\x00\xff")]

    asyncio.run(produce(three, tenant, [bet("one")], partition(0), own))
    asyncio.run(produce(three, tenant, [bet("one")], partition(1), own))
    three.wait_value(count(tenant), 1)
    settled(three)

    records = asyncio.run(read(three, tenant))
    first, *copies = sorted(records, key=lambda record: record.timestamp)
    moved = [record for record in records if "moved_from" in dict(record.headers)]
    assert {record.value for record in copies} == {first.value}
    assert moved
    for record in moved:
        before = json.loads(dict(record.headers)["moved_from"])
        lay = next(
            r for r in records if (r.partition, r.offset) == (before["partition"], before["offset"])
        )
        assert before["appended_ms"] == lay.timestamp
        assert before["times"] == 1
        assert record.key == f"{tenant}:one".encode()
        assert record.headers[:-1] == lay.headers
    received = (
        "SELECT toUnixTimestamp64Milli(received_at) FROM fasttrack.casino "
        f"WHERE tenant = '{tenant}'"
    )
    assert three.value(received) in {record.timestamp for record in records if record not in moved}


async def read(system: System, tenant: str) -> list[Any]:
    """All records of the tenant on the casino topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=system.kafka)
    await consumer.start()
    partitions = [TopicPartition("fasttrack.realtime-casino", n) for n in range(PARTITIONS)]
    consumer.assign(partitions)
    await consumer.seek_to_beginning(*partitions)
    ends = await consumer.end_offsets(partitions)
    found: list[Any] = []
    try:
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [r for r in records if dict(r.headers).get("tenant") == tenant.encode()]
    finally:
        await consumer.stop()
    return found


def test_records_are_moved_across_restarts_and_outages(
    new_system: Callable[..., System],
) -> None:
    """Workers and broker are killed while half of what is produced lies elsewhere."""
    system = new_system("--partitions", str(PARTITIONS), "--workers", "2")
    key = system.tenant("acme")
    for turn, part in enumerate(("worker-1", "kafka", "worker-2", "clickhouse")):
        items = [bet(f"{turn}-{number}") for number in range(400)]
        changed = [bet(f"{turn}-{number}", amount=9) for number in range(0, 400, 10)]
        system.post_items(items, key)
        asyncio.run(produce(system, "acme", [*items, *changed], by_crc32))
        old = system.kill(part)
        system.wait_restarted(part, old)

    system.wait_value(count("acme"), 1600, seconds=120)
    # One that is moved again after a crash may be two rows, and is one conflict.
    conflicts = "SELECT uniqExact(id) FROM fasttrack.conflicts WHERE tenant = 'acme'"
    system.wait_value(conflicts, 160, seconds=120)
    document = settled(system)
    assert document["balanced"], document["findings"]
    assert system.value(count("acme")) == 1600
