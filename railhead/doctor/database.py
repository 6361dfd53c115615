"""Checks of ClickHouse: release, clock, tables, and what of Kafka's records it has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Final

from clickhouse_connect.driver import create_client
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as DriverError

from railhead.doctor.finding import DoctorFinding, fail, ok, warn
from railhead.doctor.gaps import obvious_gaps
from railhead.doctor.target import START, Target
from railhead.kafka.topic_admin import TopicError
from railhead.lag import Ends, lag_behind, read_ends
from sinks.connection import NETWORK_ERRORS, client_arguments, own_words
from sinks.fill import count_unfilled
from sinks.migrate import BOOTSTRAP, MIGRATIONS, VIEWS, MigrationError, pending
from sinks.settings import StoreSettings
from sinks.steps import read_steps

OLDEST_RELEASE: Final = (25, 8)
SKEW_SECONDS: Final = 2.0
MUCH_LAG: Final = 100_000
STORE_TIMEOUT_SECONDS: Final = 30


def store(target: Target, settings: StoreSettings) -> Iterator[DoctorFinding]:
    """Ask ClickHouse, and compare it with Kafka."""
    try:
        with create_client(
            **client_arguments(settings), send_receive_timeout=STORE_TIMEOUT_SECONDS
        ) as client:
            yield from database(client, target.clickhouse.shown)
            yield flow(client, target.bootstrap)
            yield gaps(client, target.bootstrap)
    except DriverError as error:
        says = own_words(str(error)) if error.code else f"{target.clickhouse} does not answer"
        yield fail("clickhouse", says, START if not error.code else "Check user and password.")
    except NETWORK_ERRORS as error:
        yield fail("clickhouse", f"{target.clickhouse}: {error}", START)


def database(client: Client, url: str) -> Iterator[DoctorFinding]:
    """Look at ClickHouse's release, clock, tables and views."""
    version = str(client.server_version)
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_RELEASE:
        yield fail("clickhouse", f"{url}, release {version}", "Upgrade it to 25.8 or newer.")
    else:
        yield ok("clickhouse", f"{url}, release {version}")
    yield clock(client)
    yield migrations(client)


def clock(client: Client) -> DoctorFinding:
    """Compare ClickHouse's clock with ours; dates of partitions and expiry depend on it."""
    before = time.time()
    theirs = float(client.query("SELECT toUnixTimestamp64Milli(now64(3)) / 1000").result_rows[0][0])
    skew = theirs - (before + time.time()) / 2
    says = f"ClickHouse's is {abs(skew):.1f} s {'ahead' if skew > 0 else 'behind'}"
    if abs(skew) > SKEW_SECONDS:
        return warn(
            "clock", says, "Let NTP set both clocks; else received_at and stored_at do not agree."
        )
    return ok("clock", says)


def migrations(client: Client) -> DoctorFinding:
    """Compare tables and views with those of this version."""
    advice = "Run `railhead migrate`."
    steps = [step for step in read_steps(MIGRATIONS) if not step.name.startswith(BOOTSTRAP)]
    try:
        rows = client.query("SELECT step, checksum FROM fasttrack_store.migrations FINAL")
        todo = pending(steps, {str(step): str(checksum) for step, checksum in rows.result_rows})
    except MigrationError as error:
        return fail("tables", str(error), "Look into it before you migrate.")
    except DriverError as error:
        return fail("tables", own_words(str(error)), advice)
    if todo:
        return fail("tables", f"not applied: {', '.join(step.name for step in todo)}", advice)
    wanted = {step.name.rpartition("/")[2] for step in read_steps(VIEWS)}
    query = "SELECT name FROM system.tables WHERE database = 'fasttrack'"
    missing = wanted - {str(name) for (name,) in client.query(query).result_rows}
    if missing:
        return fail("tables", f"no view {', '.join(sorted(missing))}", advice)
    if unfilled := count_unfilled(client):
        says = ", ".join(f"{count:,} of {table}" for table, count in unfilled.items())
        return warn("tables", f"rows of older workers without their lists: {says}", advice)
    return ok("tables", f"{len(steps)} steps applied, {len(wanted)} views")


def flow(client: Client, bootstrap: str) -> DoctorFinding:
    """Count the records in Kafka that have no outcome in ClickHouse yet."""
    try:
        ends: Ends = asyncio.run(read_ends(bootstrap))
        lag = lag_behind(ends, client)
    except (TopicError, DriverError) as error:
        return warn("lag", f"unknown: {error}", "See the findings above.")
    if not lag.records:
        return ok(
            "lag",
            f"none: each of {sum(kept.end for kept in ends.values()):,} records has an outcome",
        )
    says = ", ".join(f"{topic} {count:,}" for topic, count in sorted(lag.by_topic.items()))
    if lag.records > MUCH_LAG:
        return warn("lag", says, "Are workers running? See docs/runbook.md, Lag grows.")
    return ok("lag", f"{lag.records:,} records on their way: {says}")


def gaps(client: Client, bootstrap: str) -> DoctorFinding:
    """Look for what is missing behind what was stored, as far as that costs little."""
    try:
        ends = asyncio.run(read_ends(bootstrap))
        found = list(obvious_gaps(client, ends))
    except (TopicError, DriverError) as error:
        return warn("gaps", f"cannot be checked: {error}", "See the findings above.")
    if not found:
        return ok("gaps", "no obvious ones; `railhead reconcile` checks every offset")
    return warn("gaps", "; ".join(found), "Run `railhead reconcile`: it says how to mend them.")
