"""Creates and migrates the tables and views of the database.

Steps of `sinks/migrations` are applied once, in order, and noted with a checksum. Each is harmless
when repeated (IF NOT EXISTS), so a run that died between a step and its note is simply repeated,
and two runs at once do no harm. Views hold no data: every run replaces them. Every run also fills
list columns that an older worker left empty (sinks/fill.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from clickhouse_connect.driver import create_client
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as DriverError

import failpoints
from sinks.connection import NETWORK_ERRORS, check_answers, client_arguments, translate
from sinks.fill import fill_lists
from sinks.settings import StoreSettings
from sinks.steps import Step, read_steps

MIGRATIONS: Final = "sinks.migrations"
VIEWS: Final = "sinks.views"
BOOTSTRAP: Final = "0000_"
# A step may copy a table.
LONGEST_STEP_SECONDS: Final = 6 * 3_600


class MigrationError(Exception):
    """The database and the files disagree; nothing was changed."""


def pending(steps: Sequence[Step], applied: Mapping[str, str]) -> list[Step]:
    """The *steps* that are not among the *applied* (name to checksum).

    Raises:
        MigrationError: an applied step was edited since, or the database has steps of a newer
            version.
    """
    for step in steps:
        if applied.get(step.name, step.checksum) != step.checksum:
            raise MigrationError(
                f"{step.name} was edited after it was applied. Put its text back and write the "
                "change as a new file with the next number."
            )
    unknown = sorted(set(applied) - {step.name for step in steps})
    if unknown:
        raise MigrationError(
            f"the database has steps this version does not know ({', '.join(unknown)}): it was "
            "migrated by a newer version. Run that one."
        )
    return [step for step in steps if step.name not in applied]


def migrate(settings: StoreSettings, *, report: Callable[[str], None]) -> None:
    """Bring the database up to date, reporting each step.

    Raises:
        MigrationError: see `pending`.
        SinkError: ClickHouse could not be reached or refused a statement; run it again.
    """
    action = f"connect to {settings.url}"
    try:
        check_answers(settings)
        with create_client(
            **client_arguments(settings), send_receive_timeout=LONGEST_STEP_SECONDS
        ) as client:
            for step, note in _plan(client, settings.cluster):
                action = step.name
                client.command(step.for_cluster(settings.cluster))
                failpoints.passing("migrate.midway")
                if note:
                    _note(client, step)
                    report(f"applied {step.name}")
            action = "fill lists"
            for line in fill_lists(client):
                report(line)
    except (DriverError, *NETWORK_ERRORS) as error:
        raise translate(action, error) from None
    report(f"created {len(read_steps(VIEWS))} views")


def _plan(client: Client, cluster: str) -> list[tuple[Step, bool]]:
    """Steps to run, and whether each is to be noted."""
    steps = read_steps(MIGRATIONS)
    for step in steps:
        if step.name.startswith(BOOTSTRAP):
            client.command(step.for_cluster(cluster))
    versioned = [step for step in steps if not step.name.startswith(BOOTSTRAP)]
    todo = pending(versioned, _applied(client))
    return [(step, True) for step in todo] + [(step, False) for step in read_steps(VIEWS)]


def _applied(client: Client) -> dict[str, str]:
    rows = client.query("SELECT step, checksum FROM fasttrack_store.migrations FINAL").result_rows
    return {str(step): str(checksum) for step, checksum in rows}


def _note(client: Client, step: Step) -> None:
    client.insert(
        "migrations",
        [[step.name, step.checksum]],
        column_names=["step", "checksum"],
        database="fasttrack_store",
        settings={"async_insert": 0},
    )
