"""How a database is brought up to date."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver import create_client
from clickhouse_connect.driver.client import Client

from sinks.connection import client_arguments
from sinks.errors import Retryable
from sinks.migrate import MIGRATIONS, VIEWS, MigrationError, migrate, pending
from sinks.settings import StoreSettings
from sinks.steps import Step, read_steps
from tests.sinks.conftest import start_engine

ONE, TWO = Step("0001/a", "A"), Step("0002/b", "B")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreSettings]:
    """A separate, empty database."""
    directory: Path = tmp_path_factory.mktemp("fresh")
    process, url = start_engine(str(directory))
    yield StoreSettings(url=url)
    process.terminate()
    assert process.wait(timeout=30) == 0


def run(settings: StoreSettings) -> list[str]:
    """What a migration reports."""
    reported: list[str] = []
    migrate(settings, report=reported.append)
    return reported


def client(settings: StoreSettings) -> Client:
    """A client of that database."""
    return create_client(**client_arguments(settings))


def test_steps_not_yet_applied_are_pending_in_order() -> None:
    """An applied one is not run again."""
    assert pending([ONE, TWO], {}) == [ONE, TWO]
    assert pending([ONE, TWO], {ONE.name: ONE.checksum}) == [TWO]


def test_an_applied_step_that_was_edited_is_refused() -> None:
    """The database would not be what the files say."""
    with pytest.raises(MigrationError, match="0001/a was edited"):
        pending([ONE, TWO], {ONE.name: "other"})


def test_a_database_of_a_newer_version_is_refused() -> None:
    """Its views would be put back."""
    with pytest.raises(MigrationError, match="0002/b"):
        pending([ONE], {ONE.name: ONE.checksum, TWO.name: TWO.checksum})


def test_a_second_run_replaces_only_the_views(fresh: StoreSettings) -> None:
    """Each step is reported once; running again is harmless."""
    steps = [step.name for step in read_steps(MIGRATIONS) if not step.name.startswith("0000_")]
    views = f"created {len(read_steps(VIEWS))} views"

    first = run(fresh)
    second = run(fresh)

    assert first == [*(f"applied {name}" for name in steps), views]
    assert second == [views]


def test_a_step_done_but_not_noted_is_done_again(fresh: StoreSettings) -> None:
    """The next run completes one that died in between."""
    run(fresh)
    with client(fresh) as sql:
        sql.command("TRUNCATE TABLE fasttrack_store.migrations")

    reported = run(fresh)

    assert "applied 0002_casino/table" in reported


def test_a_view_that_was_changed_by_hand_is_put_back(fresh: StoreSettings) -> None:
    """Views are as the files say after every run."""
    run(fresh)
    with client(fresh) as sql:
        sql.command("CREATE OR REPLACE VIEW fasttrack.login AS SELECT 1 AS x")

        run(fresh)

        assert sql.command("SELECT count() FROM fasttrack.login WHERE tenant = 'x'") == 0


def test_an_edited_step_changes_nothing(fresh: StoreSettings) -> None:
    """It is found before anything is run."""
    run(fresh)
    with client(fresh) as sql:
        sql.command("DROP VIEW fasttrack.login")
        sql.command(
            "INSERT INTO fasttrack_store.migrations (step, checksum) "
            "SETTINGS async_insert = 0 VALUES ('0002_casino/table', 'other')"
        )
        with pytest.raises(MigrationError, match="0002_casino/table was edited"):
            run(fresh)

        views = "SELECT count() FROM system.tables WHERE database = 'fasttrack' AND name = 'login'"
        assert sql.command(views) == 0
        sql.command("TRUNCATE TABLE fasttrack_store.migrations")


def test_an_unreachable_store_is_retryable() -> None:
    """Nothing was changed; the message says where it was looked for."""
    with pytest.raises(Retryable, match=r"http://127\.0\.0\.1:1/"):
        run(StoreSettings(url="http://127.0.0.1:1"))
