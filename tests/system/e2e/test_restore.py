"""A backup taken under load, and a store restored from it: the workers write what it lacks."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from clickhouse_connect.driver import create_client

from streams.recovery.holes import LOOK_BACK_OFFSETS
from tests.system.e2e.system import RAILHEAD, System, wait_until
from tests.system.e2e.test_main_way import bet, count

pytestmark = pytest.mark.e2e

MISSING: Final = 6_000
AT_ONCE: Final = 500
FAR_AT_ONCE: Final = 2_000
CASINO: Final = "fasttrack.realtime-casino"


class Load:
    """Bets that were answered 204, by number."""

    def __init__(self, system: System, key: str) -> None:
        self._system, self._key = system, key
        self.sent = 0
        self.ended = threading.Event()

    def post_items(self) -> None:
        """Post some more."""
        first = self.sent
        self._system.post_items([bet(f"bet-{n}") for n in range(first, first + AT_ONCE)], self._key)
        self.sent += AT_ONCE

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Post all the time."""

        def until_ended() -> None:
            while not self.ended.is_set():
                self.post_items()

        thread = threading.Thread(target=until_ended)
        thread.start()
        try:
            yield
        finally:
            self.ended.set()
            thread.join()


def back_up(system: System) -> None:
    """Copy the store while it is written to; writing stops for the moment of the copy."""
    system.pause("clickhouse")
    try:
        shutil.copytree(system.data_dir / "clickhouse", system.data_dir / "backup", symlinks=True)
    finally:
        system.unpause("clickhouse")


def restore(system: System) -> None:
    """Put the copy where the store was."""
    shutil.rmtree(system.data_dir / "clickhouse")
    shutil.copytree(system.data_dir / "backup", system.data_dir / "clickhouse", symlinks=True)


def lose_the_last_rows(system: System, rows: int) -> None:
    """Leave the ledger ahead of the rows, as when the tables were not saved at one moment."""
    (last,) = system.sql("SELECT max(_offset) FROM fasttrack_store.casino")[0]
    with create_client(host="127.0.0.1", port=system.clickhouse_port) as client:
        client.command(
            f"ALTER TABLE fasttrack_store.casino DELETE WHERE _offset > {last - rows} "
            "SETTINGS mutations_sync = 2"
        )


@pytest.mark.parametrize(
    "how", ["as it was saved", "ledger ahead of rows", "rows alone lost", "store lost"]
)
def test_a_restored_store_lacks_nothing(new_system: Callable[..., System], how: str) -> None:
    """Before the committed offsets 6,000 rows or more are missing; no record comes after that."""
    system = new_system()
    load = Load(system, system.tenant("acme"))
    with load.going_on():
        wait_until(lambda: load.sent >= MISSING, seconds=120, what="some load", every=0.1)
        back_up(system)
        enough = load.sent + MISSING + 2 * AT_ONCE
        wait_until(lambda: load.sent >= enough, seconds=240, what="more load", every=0.1)
    system.wait_value(count("acme"), load.sent, seconds=120)
    assert system.down() == 0
    if how == "store lost":
        shutil.rmtree(system.data_dir / "clickhouse")
    elif how != "rows alone lost":
        restore(system)
    system.again("--parts", "kafka,clickhouse")
    if how in {"ledger ahead of rows", "rows alone lost"}:
        lose_the_last_rows(system, MISSING)
    assert system.value(count("acme")) <= load.sent - MISSING

    system.again()

    system.wait_value(count("acme"), load.sent, seconds=240)
    wait_until(lambda: balanced(system), seconds=60, what="the accounts balance", every=1)
    assert "rows or ledger are missing" in (system.data_dir / "logs" / "worker-1.log").read_text()


def test_a_gap_far_back_is_mended_when_it_is_asked_for(
    new_system: Callable[..., System],
) -> None:
    """Rows and a conflict are missing behind more ranges than a worker looks at by itself."""
    system = new_system("--partitions", "1")
    key = system.tenant("acme")
    first = [bet(f"first-{n}") for n in range(100)]
    system.post_items([*first, bet("first-0", amount=7)], key)
    system.wait_value("SELECT sum(stored + conflicts) FROM fasttrack.ledger", 101)
    many = LOOK_BACK_OFFSETS + 4 * FAR_AT_ONCE
    for start in range(0, many, FAR_AT_ONCE):
        system.post_items([bet(f"bet-{n}") for n in range(start, start + FAR_AT_ONCE)], key)
    system.wait_value(count("acme"), 100 + many, seconds=240)
    with create_client(host="127.0.0.1", port=system.clickhouse_port) as client:
        for lost in ("casino DELETE WHERE _offset BETWEEN 10 AND 19", "conflicts DELETE WHERE 1"):
            client.command(f"ALTER TABLE fasttrack_store.{lost} SETTINGS mutations_sync = 2")
    system.again("--partitions", "1")
    system.post_items([bet("last")], key)
    system.wait_value(count("acme"), 91 + many)
    assert not balanced(system)
    system.again("--parts", "kafka,clickhouse", "--partitions", "1")

    mended = system.railhead("reconcile", "--mend", check=False)
    system.again("--partitions", "1")

    named = re.search(rf"read again {re.escape(CASINO)}\[0\] from (\d+) on", mended)
    assert named
    assert int(named[1]) <= 10
    system.wait_value(count("acme"), 101 + many, seconds=240)
    wait_until(lambda: balanced(system), seconds=120, what="the audit balances", every=1)
    assert system.value("SELECT count() FROM fasttrack.conflicts") == 1


def balanced(system: System) -> bool:
    """Whether `railhead reconcile` finds no fault."""
    done = subprocess.run(
        [RAILHEAD, "reconcile", "--json"],
        env=system.environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return not [one for one in json.loads(done.stdout)["findings"] if one["fault"]]
