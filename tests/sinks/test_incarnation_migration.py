"""A database without topic incarnations is brought up to date without a loss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver import create_client
from clickhouse_connect.driver.client import Client

from sinks import migrate as migrating
from sinks.connection import client_arguments
from sinks.migrate import migrate
from sinks.settings import StoreSettings
from sinks.steps import Step, read_steps
from tests.sinks.conftest import start_engine

FIRST_NEW = "0030_"
LAST_NEW = "0034_"
NEW_STEPS = [
    step.name for step in read_steps("sinks.migrations") if FIRST_NEW <= step.name < LAST_NEW
]
AT = "toDateTime64('2026-01-15 12:00:00', 3, 'UTC')"
CONFLICTS = (
    "tenant, event, id, topic, partition, offset, first_offset, raw, request_id, received_at, "
    "_appended_at"
)
REJECTED = (
    "tenant, reason, raw, request_id, position, topic, partition, offset, received_at, _topic, "
    "_partition, _offset, _appended_at"
)


@pytest.fixture
def before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreSettings]:
    """A database as the version before left it."""
    process, url = start_engine(str(tmp_path))
    settings = StoreSettings(url=url)

    def old(package: str) -> list[Step]:
        return [step for step in read_steps(package) if step.name < FIRST_NEW]

    with monkeypatch.context() as patched:
        patched.setattr(migrating, "VIEWS", "sinks.migrations")
        patched.setattr(migrating, "read_steps", old)
        patched.setattr(migrating, "fill_lists", lambda _: ())
        migrate(settings, report=lambda _: None)
    with create_client(**client_arguments(settings)) as client:
        # Rows that share a key wait for a merge, as after a day without one.
        for table in ("ledger", "conflicts", "rejected", "login"):
            client.command(f"SYSTEM STOP MERGES fasttrack_store.{table}")
        _fill(client)
    yield settings
    process.terminate()
    assert process.wait(timeout=30) == 0


def _fill(client: Client) -> None:
    def insert(table: str, columns: str, *rows: str) -> None:
        for row in rows:
            client.command(
                f"INSERT INTO fasttrack_store.{table} ({columns}) "
                f"SETTINGS async_insert = 0, optimize_on_insert = 0 VALUES ({row})"
            )

    insert(
        "ledger",
        "topic, partition, first, last, stored, generation, first_appended_at, last_appended_at",
        f"'t', 0, 0, 9, 10, 1, {AT}, {AT}",
        f"'t', 0, 0, 9, 10, 1, {AT}, {AT}",  # written twice: one range
        f"'t', 0, 0, 9, 7, 1, {AT}, {AT} + INTERVAL 1 DAY",  # of a topic that was recreated
    )
    insert(
        "conflicts",
        CONFLICTS,
        f"'a', 'e', 'i', 't', 0, 5, 1, 'one', 'r', {AT}, {AT}",
        f"'a', 'e', 'i', 't', 0, 5, 1, 'one', 'r', {AT}, {AT}",
        f"'b', 'e', 'i', 't', 0, 5, 1, 'two', 'r', {AT}, {AT} + INTERVAL 1 DAY",
    )
    insert(
        "rejected",
        REJECTED,
        f"'a', 'x', 'one', 'r', 0, '', NULL, NULL, {AT}, 'fasttrack.rejected', 0, 1, {AT}",
        f"'a', 'x', 'two', 'r', 0, '', NULL, NULL, {AT}, 'fasttrack.rejected', 0, 2, {AT}",
        f"'a', 'x', 'rec', '', NULL, 't', 0, 5, {AT}, 'fasttrack.rejected', 0, 3, {AT}",
        f"'a', 'x', 'rec', '', NULL, 't', 0, 5, {AT}, 'fasttrack.rejected', 0, 4, {AT}",
    )
    insert(
        "login",
        "tenant, _id, unique_id, timestamp, _topic, _partition, _offset, _appended_at",
        f"'a', 'x', 'x', {AT}, 't', 0, 7, {AT}",
    )


def shown(settings: StoreSettings) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables hold, as the views read them."""
    queries = {
        "ledger": "SELECT incarnation, first, last, stored FROM fasttrack_store.ledger FINAL",
        "conflicts": "SELECT incarnation, tenant, raw FROM fasttrack_store.conflicts FINAL",
        "rejected": "SELECT incarnation, raw, _offset FROM fasttrack_store.rejected FINAL",
        "login": "SELECT _incarnation, _id, _offset FROM fasttrack_store.login FINAL",
    }
    with create_client(**client_arguments(settings)) as client:
        return {
            name: sorted(map(tuple, client.query(query).result_rows))
            for name, query in queries.items()
        }


KEPT = {
    "ledger": [("", 0, 9, 7), ("", 0, 9, 10)],
    "conflicts": [("", "a", "one"), ("", "b", "two")],
    "rejected": [("", "one", 1), ("", "rec", 3), ("", "two", 2)],
    "login": [("", "x", 7)],
}


def test_what_was_stored_is_kept_and_what_shared_a_key_is_kept_apart(
    before: StoreSettings,
) -> None:
    """Rows without an incarnation have an empty one; a report repeated is still one."""
    migrate(before, report=lambda _: None)

    assert shown(before) == KEPT


@pytest.mark.parametrize("killed_in", NEW_STEPS)
def test_a_migration_that_was_killed_goes_on(
    before: StoreSettings, monkeypatch: pytest.MonkeyPatch, killed_in: str
) -> None:
    """After any step was done and not noted: it is repeated, nothing is lost or stored twice."""

    class Killed(Exception):  # noqa: N818 - it is no error
        pass

    note = migrating._note

    def die(client: Client, step: Step) -> None:
        if step.name == killed_in:
            raise Killed
        note(client, step)

    with monkeypatch.context() as patched:
        patched.setattr(migrating, "_note", die)
        with pytest.raises(Killed):
            migrate(before, report=lambda _: None)

    migrate(before, report=lambda _: None)

    assert shown(before) == KEPT


def test_all_steps_may_be_done_twice(before: StoreSettings) -> None:
    """As when the notes of them were lost."""
    migrate(before, report=lambda _: None)
    with create_client(**client_arguments(before)) as client:
        client.command("TRUNCATE TABLE fasttrack_store.migrations")

    migrate(before, report=lambda _: None)

    assert shown(before) == KEPT


def test_a_table_keeps_its_comment_and_its_columns_theirs(before: StoreSettings) -> None:
    """Analysts and operators read them."""
    migrate(before, report=lambda _: None)

    with create_client(**client_arguments(before)) as client:
        tables = client.query(
            "SELECT name FROM system.tables WHERE database = 'fasttrack_store' AND comment = ''"
        ).result_rows
        columns = client.query(
            "SELECT table, name FROM system.columns WHERE database = 'fasttrack_store' "
            "AND comment = ''"
        ).result_rows
    assert (tables, columns) == ([], [])
