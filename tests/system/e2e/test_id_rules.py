"""An id rule changes while events are stored: nothing counts twice, and the command says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.system.e2e.system import System, wait_until
from tests.system.e2e.test_main_way import PAYMENT, count, new_tenant
from tests.system.e2e.test_moved_records import settled

pytestmark = pytest.mark.e2e

WIDER = "realtime-payment=payment_id,status"
CONTRACT = "realtime-payment=payment_id"


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A stack whose tenants' rules are changed."""
    directory = tmp_path_factory.mktemp("changing") / "data"
    running = System.make(directory, "--partitions", "3", "--workers", "2")
    running.up()
    yield running
    assert running.down() == 0


def payment(id_: str, status: str = "requested", amount: int = 100) -> dict[str, Any]:
    """A deposit."""
    data = {**PAYMENT["data"], "payment_id": id_, "status": status, "amount": amount}
    return {"event": "realtime-payment", "data": data}


def deposits(tenant: str) -> str:
    """What the tenant's payments add up to."""
    return f"SELECT toFloat64(sum(amount)) FROM fasttrack.payment WHERE tenant = '{tenant}'"


def change(system: System, tenant: str, rule: str, *options: str) -> str:
    """Change a rule with effect from now on."""
    directory = str(system.data_dir)
    words = ["tenant", "id-fields", tenant, rule, "--after", "0", "--data-dir", directory, *options]
    return system.railhead(*words)


def outcomes(system: System) -> int:
    """How many payments have an outcome."""
    columns = "sum(stored + duplicates + conflicts)"
    query = f"SELECT {columns} FROM fasttrack.ledger WHERE topic = 'fasttrack.realtime-payment'"
    return int(system.value(query))


def post_items(system: System, key: str, *items: dict[str, Any]) -> None:
    """Post and wait until each item has its outcome."""
    before = outcomes(system)
    system.post_items(list(items), key)
    wait_until(
        lambda: outcomes(system) == before + len(items), seconds=60, what="each has its outcome"
    )


def test_an_old_payment_that_comes_again_under_a_wider_id_is_one_payment(changing: System) -> None:
    """Deposits stay 200; another state is another row from then on."""
    tenant = new_tenant()
    key = changing.tenant(tenant)
    post_items(changing, key, payment("p-1"), payment("p-2"))

    shown = change(changing, tenant, WIDER, "--yes")
    post_items(changing, key, payment("p-1"), payment("p-2"))

    assert "2 rows are stored; by the new rule they would be 2." in shown
    assert changing.value(deposits(tenant)) == 200.0
    post_items(changing, key, payment("p-1", "approved"), payment("p-1", "requested", 150))
    assert changing.value(deposits(tenant)) == 300.0
    assert changing.value(count(tenant, "conflicts")) == 1
    assert settled(changing)["balanced"]
    every = changing.railhead("reconcile", "--json", "--every-record", check=False)
    assert json.loads(every)["balanced"], json.loads(every)["findings"]


def test_a_rule_changes_back_and_forth_over_a_restart(changing: System) -> None:
    """Each payment is one row by every rule since it was stored."""
    tenant = new_tenant()
    key = changing.tenant(tenant)
    items = [payment("p-0")]
    post_items(changing, key, *items)
    for turn, rule in enumerate((WIDER, CONTRACT, WIDER, CONTRACT), 1):
        change(changing, tenant, rule, "--yes")
        items.append(payment(f"p-{turn}"))
        if turn == 2:
            changing.again(*changing.options)
        post_items(changing, key, *items)

        assert changing.value(deposits(tenant)) == 100.0 * len(items)
    assert settled(changing)["balanced"]


def test_a_rule_that_is_changed_by_hand_counts_nothing_twice(changing: System) -> None:
    """Workers compare new items with what is stored by the contract's rule."""
    tenant = new_tenant()
    key = changing.tenant(tenant)
    post_items(changing, key, payment("p-1"), payment("p-2"))
    path = changing.data_dir / "tenants.json"
    file = json.loads(path.read_text())
    file["tenants"][tenant]["id_fields"] = {"realtime-payment": ["payment_id", "status"]}
    new = path.with_name("edited.json")
    new.write_text(json.dumps(file))
    new.chmod(0o600)
    new.replace(path)
    # The workers read it every second; a new one reads it at its start.
    changing.again(*changing.options)

    post_items(changing, key, payment("p-1"), payment("p-2"), payment("p-2", "approved"))

    assert changing.value(deposits(tenant)) == 300.0
    assert settled(changing)["balanced"]


def test_nothing_is_changed_without_a_yes(changing: System) -> None:
    """And a rule is refused that would make stored rows incomparable."""
    tenant = new_tenant()
    key = changing.tenant(tenant)
    post_items(changing, key, payment("p-1"), payment("p-1", "approved"))
    path = changing.data_dir / "tenants.json"
    before = path.read_bytes()

    with pytest.raises(AssertionError, match="give --yes") as refused:
        change(changing, tenant, WIDER)
    assert "1 rows are stored; by the new rule they would be 1." in str(refused.value)
    assert "1 records are kept as conflicts" in str(refused.value)
    with pytest.raises(AssertionError, match="count twice"):
        change(changing, tenant, "realtime-payment=user_id", "--yes")
    with pytest.raises(AssertionError, match="has this id already"):
        change(changing, tenant, CONTRACT, "--yes")
    assert path.read_bytes() == before


def test_without_its_tenants_file_no_worker_judges(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The last rules hold while it runs; a new start is refused, and doctor says so."""
    system = System.make(tmp_path_factory.mktemp("gone") / "data")
    system.up()
    try:
        key = system.railhead(
            "tenant", "add", "acme", "--id-fields", WIDER, "--data-dir", str(system.data_dir)
        ).strip()
        path = system.data_dir / "tenants.json"
        post_items(system, key, payment("p-1"), payment("p-1", "approved"))
        hidden = path.rename(path.with_name("hidden.json"))
        log = system.data_dir / "logs" / "worker-1.log"
        wait_until(lambda: "last good rules" in log.read_text(), seconds=30, what="it says so")
        old = system.kill("worker-1")
        wait_until(
            lambda: "The worker does not start" in log.read_text(), seconds=60, what="it refuses"
        )
        assert "is missing" in system.railhead("doctor", check=False)
        hidden.rename(path)
        system.wait_restarted("worker-1", old)
        post_items(
            system, key, payment("p-1"), payment("p-1", "approved"), payment("p-1", "declined")
        )
        assert system.value(deposits("acme")) == 300.0
    finally:
        system.down()
