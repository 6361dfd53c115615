"""Checks that broker, database and ingest API answer and are set up correctly, and the lag."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout
from aiokafka.errors import KafkaError
from clickhouse_connect.driver import create_client
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as DriverError

from railhead.doctor.finding import DoctorFinding, State, fail, ok, warn
from railhead.doctor.gaps import obvious_gaps
from railhead.doctor.target import Target
from railhead.kafka.topic_admin import BrokerSilentError, TopicError, admin
from railhead.kafka.topic_plan import WantedTopic, run_plan
from railhead.kafka.topics import TopicSettings
from railhead.lag import Ends, lag_behind, read_ends
from railhead.stack.addresses import Address
from railhead.waiting import each_waiting_for, waiting_for
from sinks.connection import NETWORK_ERRORS, client_arguments, own_words
from sinks.fill import count_unfilled
from sinks.migrate import BOOTSTRAP, MIGRATIONS, VIEWS, MigrationError, pending
from sinks.settings import StoreSettings
from sinks.steps import read_steps

OLDEST_RELEASE: Final = (25, 8)
SKEW_SECONDS: Final = 2.0
STABLE: Final = "Stable"
MUCH_LAG: Final = 100_000
STORE_TIMEOUT_SECONDS: Final = 30
API_TIMEOUT: Final = ClientTimeout(total=5)
START: Final = (
    "Start it (`railhead up` starts everything on one machine) or correct the address. If its port "
    "is in use above, another program has it: stop that, or choose another port."
)


def look(target: Target) -> Iterator[DoctorFinding]:
    """Ask every part; a part that cannot be asked is a finding like any other."""
    with waiting_for(target.kafka):
        kafka = asyncio.run(broker(target))
    yield kafka
    if kafka.state is not State.FAIL:
        with waiting_for(target.kafka):
            group = asyncio.run(workers(target))
        yield group
    with waiting_for(target.api):
        answer = asyncio.run(api(target.api_url, target.api))
    yield from answer
    if target.settings is not None:
        yield from each_waiting_for(target.clickhouse, store(target, target.settings))


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


async def broker(target: Target) -> DoctorFinding:
    """Ask Kafka for its topics and compare them with those declared."""
    if target.topics is None:
        return fail("kafka", "not asked: the settings of topics are wrong", "See settings above.")
    try:
        rows = await run_plan(target.bootstrap, target.topics, WantedTopic(check_only=True))
    except BrokerSilentError as error:
        return fail("kafka", f"{target.kafka}: {error}", START)
    except TopicError as error:
        return fail("kafka", str(error), START)
    missing = [row.wanted.name for row in rows if row.is_missing]
    if missing:
        return fail("kafka", f"no topic {', '.join(missing)}", "Create them: `railhead topics`.")
    differing = [f"{row.wanted.name}: {what}" for row in rows for what in (*row.shape, *row.config)]
    if differing:
        return warn("kafka", "; ".join(differing), "Correct it: `railhead topics --apply-config`.")
    partitions = rows[0].found.partitions if rows[0].found else 0
    return ok("kafka", f"{target.bootstrap}, {len(rows)} topics of {partitions} partitions each")


async def workers(target: Target) -> DoctorFinding:
    """Ask Kafka how many workers are in the group, and whether their partitions are assigned."""
    group = (target.topics or TopicSettings()).group
    try:
        async with admin(target.bootstrap) as client:
            [answer] = await client.describe_consumer_groups([group])
    except (TopicError, KafkaError) as error:
        return warn("workers", f"unknown: {error}", "See the findings above.")
    _, _, state, *_, members = answer.groups[0][:6]
    if not members:
        return fail("workers", f"the group {group} has no members", "Start one: `railhead worker`.")
    says = f"{len(members)} in the group {group}, {state}"
    if state != STABLE:
        return warn("workers", says, "Partitions are being assigned; look again in a moment.")
    return ok("workers", says)


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


async def api(url: str, address: Address) -> Iterator[DoctorFinding]:
    """Ask the ingest API whether it could durably accept a request now."""
    try:
        async with (
            ClientSession(timeout=API_TIMEOUT) as session,
            session.get(f"{url}/health/ready") as answer,
        ):
            status, body = answer.status, await answer.json(content_type=None)
    except (ClientError, TimeoutError, ValueError) as error:
        return iter([fail("door", f"{address}: {error or 'no answer'}", START)])
    if status == 200:
        return iter([ok("door", f"{url} could store a request now")])
    return iter(
        [fail("door", f"{url} is not ready: {_reasons(body)}", "See the reasons it gives.")]
    )


def _reasons(body: Any) -> str:
    reasons = body.get("reasons") if isinstance(body, dict) else None
    return "; ".join(map(str, reasons)) if reasons else "another program listens there"
