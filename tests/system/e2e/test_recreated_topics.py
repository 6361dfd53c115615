"""Topics that are deleted and created again, with other content at the same offsets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from events.contract.registry import REJECTED_TOPIC
from tests.system.e2e.system import System, wait_until
from tests.system.e2e.test_main_way import bet, count
from tests.system.e2e.test_odd_topics import CASINO, recreate_topic

pytestmark = pytest.mark.e2e

CONFLICTS = "SELECT tenant, raw FROM fasttrack.conflicts ORDER BY tenant, raw"
REJECTED = "SELECT tenant, raw FROM fasttrack.rejected ORDER BY tenant, raw"


def bad(name: str) -> dict[str, Any]:
    """An item that is rejected, and identified by its name."""
    return {"event": "realtime-casino", "data": {"unique_id": name}}


def post_round(system: System, key: str, name: str) -> None:
    """A bet, the same id with another amount, and a rejected item, each a record of its own batch.

    So a round takes offsets 0 and 1 of the casino topic, and offset 0 of that of dead letters.
    """
    for item in (bet(name), bet(name, amount=7), bad(name)):
        system.post_items([item], key)


def recreate(system: System) -> None:
    """Delete and create both topics."""
    for topic in (CASINO, REJECTED_TOPIC):
        asyncio.run(recreate_topic(system, topic))


def lists_only(system: System, tenant: str, *names: str) -> bool:
    """Whether `rejected list` of a tenant shows exactly the items of these names."""
    listed = system.railhead("rejected", "list", "--tenant", tenant, "--json", check=False)
    exported = system.railhead("rejected", "export", "--tenant", tenant)
    items = [json.loads(line) for line in exported.splitlines()]
    shown = all(name in listed for name in names) and listed.count("\n") == len(names)
    owners = {item["tenant"] for item in items}
    return shown and owners == {tenant} and len({item["id"] for item in items}) == len(names)


def balances(system: System) -> None:
    """Wait until the accounts balance."""
    wait_until(
        lambda: "The accounts balance" in system.railhead("reconcile", check=False),
        seconds=60,
        what="the accounts balance",
        every=1,
    )


@pytest.mark.parametrize("worker", ["runs", "is stopped"])
def test_nothing_of_either_topic_is_lost_and_each_tenant_sees_its_own(
    new_system: Callable[..., System], worker: str
) -> None:
    """The same offsets hold another reject and another conflict of another tenant: all are kept."""
    system = new_system()
    keys = {name: system.tenant(name) for name in ("alpha", "beta")}
    post_round(system, keys["alpha"], "first")
    system.wait_value("SELECT count() FROM fasttrack.rejected", 1)
    system.wait_value("SELECT count() FROM fasttrack.conflicts", 1)
    balances(system)
    if worker == "is stopped":
        system.again("--parts", "kafka,clickhouse")
    recreate(system)
    if worker == "is stopped":
        system.again()

    post_round(system, keys["beta"], "second")
    # The same id at the offset where it was first seen, which is another record now.
    system.post_items([bet("first", amount=9)], keys["alpha"])

    system.wait_value("SELECT count() FROM fasttrack.conflicts", 3, seconds=90)
    system.wait_value("SELECT count() FROM fasttrack.rejected", 2, seconds=90)
    system.wait_value(count("alpha"), 1)
    system.wait_value(count("beta"), 1)
    assert [owner for owner, _ in system.sql(CONFLICTS)] == ["alpha", "alpha", "beta"]
    assert [owner for owner, _ in system.sql(REJECTED)] == ["alpha", "beta"]
    assert lists_only(system, "alpha", "first")
    assert lists_only(system, "beta", "second")
    coordinates = system.sql("SELECT partition, offset, incarnation FROM fasttrack.conflicts")
    assert len(set(coordinates)) == 3
    balances(system)
    for table in ("rejected", "conflicts", "ledger", "casino"):
        system.sql(f"OPTIMIZE TABLE fasttrack_store.{table} FINAL")
    assert system.value("SELECT count() FROM fasttrack_store.rejected") == 2
    assert system.value("SELECT count() FROM fasttrack_store.conflicts") == 3
    balances(system)


def test_an_id_first_seen_at_the_same_offset_before_is_a_repeat(
    new_system: Callable[..., System],
) -> None:
    """The record at an offset is not taken for the one at that offset in the earlier topic."""
    system = new_system()
    key = system.tenant("acme")
    system.post_items([bet("same")], key)
    system.wait_value(count("acme"), 1)
    asyncio.run(recreate_topic(system, CASINO))

    system.post_items([bet("same", amount=7)], key)
    system.post_items([bet("same")], key)

    outcomes = "SELECT sum(stored), sum(duplicates), sum(conflicts) FROM fasttrack.ledger"
    wait_until(
        lambda: system.sql(f"{outcomes} WHERE topic = '{CASINO}'") == [(1, 1, 1)],
        seconds=90,
        what="a conflict and a repeat",
    )
    assert [json.loads(raw) for _, raw in system.sql(CONFLICTS)] == [bet("same", amount=7)]
    balances(system)


@pytest.mark.parametrize("records", [3, 60, 61, 200], ids=lambda records: f"{records} records")
def test_a_topic_that_grew_past_the_position_meanwhile_loses_nothing(
    new_system: Callable[..., System], records: int
) -> None:
    """A worker that did not see the recreation does not go on at its old offset.

    It had read 60 records.
    """
    system = new_system()
    key = system.tenant("acme")
    system.post_items([bet(f"old-{n}") for n in range(60)], key)
    system.wait_value(count("acme"), 60)
    system.pause("worker-1")
    asyncio.run(recreate_topic(system, CASINO))
    system.post_items([bet(f"new-{n}") for n in range(records)], key)
    system.unpause("worker-1")

    system.post_items([bet("after")], key)

    system.wait_value(count("acme"), 60 + records + 1, seconds=90)
    assert "recreated" in (system.data_dir / "logs" / "worker-1.log").read_text()
    balances(system)


def test_requests_that_share_an_id_keep_their_items(new_system: Callable[..., System]) -> None:
    """A request id is the client's: two requests may share one, each with a rejected item."""
    system = new_system()
    key = system.tenant("acme")

    for name in ("one", "two", "three"):
        answer = system.post([bad(name)], key, headers={"X-Request-Id": "the-same"})
        assert answer.status == 204

    system.wait_value("SELECT count() FROM fasttrack.rejected", 3)
    system.sql("OPTIMIZE TABLE fasttrack_store.rejected FINAL")
    assert system.value("SELECT count() FROM fasttrack_store.rejected") == 3
    assert system.value("SELECT uniqExact(request_id) FROM fasttrack.rejected") == 1
    assert lists_only(system, "acme", "one", "two", "three")
    assert "3 rejected items reported" in system.railhead("reconcile")
