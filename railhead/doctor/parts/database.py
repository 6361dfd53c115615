"""Checks of ClickHouse: release, clock, tables, and what of Kafka's records it has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as DriverError

from railhead.doctor.checks import ANSWER_SECONDS
from railhead.doctor.finding import DoctorFinding, fail, ok, warn
from railhead.doctor.parts.gaps import obvious_gaps
from railhead.doctor.target import Target
from railhead.kafka.topic_admin import BrokerSilentError, TopicError
from railhead.lag import lag_behind, read_ends
from sinks.connection import NETWORK_ERRORS, hasty_client, own_words
from sinks.fill import count_unfilled
from sinks.migrate import BOOTSTRAP, MIGRATIONS, VIEWS, MigrationError, pending
from sinks.settings import StoreSettings
from sinks.steps import read_steps

OLDEST_RELEASE: Final = (25, 8)
SKEW_SECONDS: Final = 2.0
MUCH_LAG: Final = 100_000
SEE_ABOVE: Final = "See kafka and clickhouse above."


def database(target: Target, settings: StoreSettings) -> Iterator[DoctorFinding]:
    """Look at ClickHouse's release, clock, tables and views."""
    try:
        with hasty_client(settings, ANSWER_SECONDS) as client:
            yield release(client, target.clickhouse.shown)
            yield clock(client)
            yield migrations(client)
    except DriverError as error:
        if error.code:
            yield fail("clickhouse", own_words(str(error)), "Check user and password.")
        else:
            says = f"{target.clickhouse} does not answer"
            yield fail("clickhouse", says, target.advisor.about(target.clickhouse))
    except NETWORK_ERRORS as error:
        says = f"{target.clickhouse} does not answer: {error or type(error).__name__}"
        yield fail("clickhouse", says, target.advisor.about(target.clickhouse))


def release(client: Client, url: str) -> DoctorFinding:
    """Look at ClickHouse's release."""
    version = str(client.server_version)
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_RELEASE:
        return fail("clickhouse", f"{url}, release {version}", "Upgrade it to 25.8 or newer.")
    return ok("clickhouse", f"{url}, release {version}")


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


def lag(target: Target, settings: StoreSettings) -> DoctorFinding:
    """Count the records in Kafka that have no outcome in ClickHouse yet."""
    try:
        ends = asyncio.run(read_ends(target.bootstrap, answer_seconds=ANSWER_SECONDS))
        with hasty_client(settings, ANSWER_SECONDS) as client:
            behind = lag_behind(ends, client)
    except (TopicError, DriverError, *NETWORK_ERRORS) as error:
        return warn("lag", _unknown(error, target), SEE_ABOVE)
    if not behind.records:
        return ok(
            "lag",
            f"none: each of {sum(kept.end for kept in ends.values()):,} records has an outcome",
        )
    says = ", ".join(f"{topic} {count:,}" for topic, count in sorted(behind.by_topic.items()))
    if behind.records > MUCH_LAG:
        return warn("lag", says, "Are workers running? See docs/runbook.md, Lag grows.")
    return ok("lag", f"{behind.records:,} records on their way: {says}")


def gaps(target: Target, settings: StoreSettings) -> DoctorFinding:
    """Look for what is missing behind what was stored, as far as that costs little."""
    try:
        ends = asyncio.run(read_ends(target.bootstrap, answer_seconds=ANSWER_SECONDS))
        with hasty_client(settings, ANSWER_SECONDS) as client:
            found = list(obvious_gaps(client, ends))
    except (TopicError, DriverError, *NETWORK_ERRORS) as error:
        return warn("gaps", _unknown(error, target), SEE_ABOVE)
    if not found:
        return ok("gaps", "no obvious ones; `railhead reconcile` checks every offset")
    return fail("gaps", "; ".join(found), "Run `railhead reconcile`: it says how to mend them.")


def _unknown(error: Exception, target: Target) -> str:
    """Why the comparison was not possible, naming the part that it failed at."""
    if isinstance(error, BrokerSilentError):
        return f"unknown: {target.kafka} does not answer"
    if isinstance(error, TopicError):
        return f"unknown: {error}"
    code = getattr(error, "code", None)
    return f"unknown: {own_words(str(error)) if code else f'{target.clickhouse} does not answer'}"
