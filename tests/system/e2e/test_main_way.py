"""The whole path of an event on real parts: HTTP, Kafka, Faust, ClickHouse, analysts' SQL."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from tests.system.e2e.system import System, wait_until

pytestmark = pytest.mark.e2e

CASINO_BET = {
    "event": "realtime-casino",
    "data": {
        "unique_id": "9cd823d3fe",
        "user_id": "686",
        "timestamp": "2025-01-15T12:00:00Z",
        "game_id": "686",
        "round_id": "680",
        "type": "bet",
        "amount": 0.5,
        "currency": "EUR",
        "bonus_wager_amount": 0,
    },
}
CASINO_WIN = {
    "event": "realtime-casino",
    "data": {
        **CASINO_BET["data"],  # type: ignore[dict-item]
        "unique_id": "9cd823d3ff",
        "timestamp": "2025-01-15T12:00:01Z",
        "type": "win",
        "amount": 1.2,
    },
}
PAYMENT: dict[str, Any] = {
    "event": "realtime-payment",
    "data": {
        "payment_id": "a1b2b3",
        "user_id": "686",
        "timestamp": "2025-01-15T12:01:00Z",
        "type": "credit",
        "status": "approved",
        "amount": 100,
        "currency": "EUR",
        "base_amount": 100,
        "vendor_name": "Credit Card",
    },
}
SAMPLE = [CASINO_BET, CASINO_WIN, PAYMENT]


def new_tenant() -> str:
    """A tenant name no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}"


def bet(unique_id: str, **fields: Any) -> dict[str, Any]:
    """A valid casino bet."""
    data = {**CASINO_BET["data"], "unique_id": unique_id, **fields}  # type: ignore[dict-item]
    return {"event": "realtime-casino", "data": data}


def count(tenant: str, view: str = "casino", final: str = "") -> str:
    """A query that counts the tenant's rows of a view."""
    return f"SELECT count() FROM fasttrack.{view} {final} WHERE tenant = '{tenant}'"


def test_the_sample_becomes_three_rows_and_stays_three(system: System) -> None:
    """The contract's sample: 204 without a body, three rows; sent again, the same three."""
    tenant = new_tenant()
    key = system.tenant(tenant)

    first = system.post(SAMPLE, key)

    assert (first.status, first.body) == (204, b"")
    system.wait_value(count(tenant), 2, seconds=10)
    system.wait_value(count(tenant, "payment"), 1, seconds=10)
    for _ in range(20):
        assert system.post(SAMPLE, key).status == 204
    system.wait_value(
        "SELECT sum(duplicates) FROM fasttrack.ledger WHERE topic = 'fasttrack.realtime-payment'"
        " AND stored + duplicates > 0",
        20,
    )
    for final in ("", "FINAL"):
        assert system.value(count(tenant, "casino", final)) == 2
        assert system.value(count(tenant, "payment", final)) == 1
    rows = system.sql(
        "SELECT unique_id, toString(amount), toString(timestamp) FROM fasttrack.casino"
        f" WHERE tenant = '{tenant}' ORDER BY unique_id"
    )
    assert [(row[0], Decimal(row[1])) for row in rows] == [
        ("9cd823d3fe", Decimal("0.5")),
        ("9cd823d3ff", Decimal("1.2")),
    ]


def test_ten_thousand_items_with_invalid_ones_among_them(system: System) -> None:
    """Each valid id is one exact row; each invalid item is kept with field and reason."""
    tenant = new_tenant()
    key = system.tenant(tenant)
    items = []
    for number in range(10_000):
        item = bet(f"i{number}", amount="@", timestamp=f"2025-01-15T12:{number % 60:02d}:00.125Z")
        if number % 20 == 7:
            item["data"]["type"] = "bonus"
        items.append(item)
    body = json.dumps(items).replace('"@"', "12345678901.000000000000000001").encode()

    assert system.post(body, key).status == 204

    system.wait_value(count(tenant), 9_500)
    system.wait_value(count(tenant, "rejected"), 500)
    assert system.sql(
        f"SELECT DISTINCT toString(amount) FROM fasttrack.casino WHERE tenant = '{tenant}'"
    ) == [("12345678901.000000000000000001",)]
    assert system.value(
        "SELECT countDistinct(unique_id) FROM fasttrack.casino WHERE "
        f"tenant = '{tenant}' AND toUnixTimestamp64Milli(timestamp) % 1000 = 125"
    ) == 9_500  # fmt: skip
    assert system.sql(
        "SELECT DISTINCT event, field, reason FROM fasttrack.rejected WHERE "
        f"tenant = '{tenant}'"
    ) == [("realtime-casino", "data.type", "not_allowed")]  # fmt: skip
    positions = system.sql(
        f"SELECT position FROM fasttrack.rejected WHERE tenant = '{tenant}' ORDER BY position"
    )
    assert [row[0] for row in positions] == list(range(7, 10_000, 20))


async def produce(system: System, tenant: str, key: bytes | None, values: list[Any]) -> None:
    """Write records as a plain direct producer."""
    producer = AIOKafkaProducer(bootstrap_servers=system.kafka)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(
                "fasttrack.realtime-casino",
                key=key,
                value=value
                if value is None or isinstance(value, bytes)
                else json.dumps(value).encode(),
                headers=[("tenant", tenant.encode())],
            )
    finally:
        await producer.stop()


def test_a_direct_producer_and_the_api_share_ids(system: System) -> None:
    """The same id by HTTP and directly, under any key and as bare data, is one row."""
    tenant = new_tenant()
    key = system.tenant(tenant)
    items = [bet(f"both-{number}") for number in range(50)]

    asyncio.run(produce(system, tenant, b"my-own-key", [item["data"] for item in items]))
    assert system.post(items, key).status == 204
    asyncio.run(produce(system, tenant, None, items))

    system.wait_value(count(tenant), 50)
    # The repeats are judged, too.
    wait_until(
        lambda: json.loads(system.railhead("reconcile", "--json", check=False))["in_flight"] == 0,
        seconds=60,
        what="all that was sent has its outcome",
    )
    assert system.value(count(tenant)) == 50


def test_rubbish_on_a_topic_is_set_aside_and_stops_nothing(system: System) -> None:
    """Null values, broken JSON and foreign objects are dead letters with their coordinate."""
    tenant = new_tenant()
    rubbish = [None, b"\xff\xfe", b"not json", b"[]", {"event": "realtime-login", "data": {}}]

    asyncio.run(produce(system, tenant, b"k", [*rubbish, bet("after-the-rubbish")]))

    system.wait_value(count(tenant), 1)
    system.wait_value(count(tenant, "rejected"), len(rubbish))
    assert system.value(
        "SELECT countDistinct(topic, partition, offset) FROM fasttrack.rejected"
        f" WHERE tenant = '{tenant}' AND topic = 'fasttrack.realtime-casino' AND offset IS NOT NULL"
    ) == len(rubbish)


def test_other_content_under_one_id_is_kept_as_a_conflict(system: System) -> None:
    """The first received counts; the later, different one is kept beside it."""
    tenant = new_tenant()
    key = system.tenant(tenant)

    for amount in (1, 2, 1):
        assert system.post([bet("same-id", amount=amount)], key).status == 204

    system.wait_value(count(tenant, "conflicts"), 1)
    assert system.sql(
        f"SELECT toFloat64(amount) FROM fasttrack.casino WHERE tenant = '{tenant}'"
    ) == [(1.0,)]


def test_one_tenants_ids_do_not_touch_anothers(system: System) -> None:
    """The tenant is part of every id."""
    tenants = [new_tenant(), new_tenant()]

    for tenant in tenants:
        assert system.post(SAMPLE, system.tenant(tenant)).status == 204

    for tenant in tenants:
        system.wait_value(count(tenant), 2)


IDS = (
    "x",
    "X",
    "ß" * 512,
    "s" * 512,
    "معرّف-١٢٣",
    "编号 一",
    "\u00e9",
    "e\u0301",
    "🎲🎰",
    "a b\tc",
    "'; DROP TABLE casino; --",
    "0",
    "00",
)


def test_ids_of_any_script_and_length_stay_themselves(system: System) -> None:
    """Case and Unicode form make another id; nothing is trimmed or folded."""
    tenant = new_tenant()
    key = system.tenant(tenant)

    for _ in range(2):
        assert system.post([bet(unique_id) for unique_id in IDS], key).status == 204

    system.wait_value(count(tenant), len(IDS))
    rows = system.sql(f"SELECT unique_id FROM fasttrack.casino WHERE tenant = '{tenant}'")
    assert {row[0] for row in rows} == set(IDS)


@pytest.mark.parametrize("year", ["0001", "1899", "2263", "9999"])
def test_years_that_no_column_holds_are_rejected_with_the_reason(system: System, year: str) -> None:
    """Nothing is forced into range; the neighbour is stored, and no partition is opened for it."""
    tenant = new_tenant()
    odd = bet("odd", timestamp=f"{year}-06-15T12:00:00Z")

    assert system.post([odd, bet("even")], system.tenant(tenant)).status == 204

    system.wait_value(count(tenant), 1)
    system.wait_value(count(tenant, "rejected"), 1)
    rejected = f"SELECT reason, field FROM fasttrack.rejected WHERE tenant = '{tenant}'"
    assert system.sql(rejected) == [("time_out_of_range", "data.timestamp")]


def test_a_worker_without_partitions_is_ready_and_idle(new_system: Callable[..., System]) -> None:
    """More workers than partitions: `up` says ready when each of them answers so."""
    system = new_system("--workers", "3", "--partitions", "1")

    assert system.post([bet("a")], system.tenant("acme")).status == 204

    system.wait_value(count("acme"), 1)
    assert all(system.pid(f"worker-{number}") for number in (1, 2, 3))
