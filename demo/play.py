"""The steps of the demo: sample, evening, the wait for the last row, account."""

from __future__ import annotations

import asyncio
import io
import time
from collections import deque
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Final

from clickhouse_connect.driver.client import Client
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from demo.accounting import Account, read_outcomes
from demo.stage import TENANT, Stage, wait_for_key
from demo.traffic.traffic import SentBatch, Tally, batches
from railhead.lag import lag_behind, read_ends
from railhead.send import reading
from railhead.send.batching import RequestBatch as Sendable
from railhead.send.client import ApiClient, SendOptions

BATCH_ITEMS: Final = 1000
STALLED_AFTER_SECONDS: Final = 60.0
SAMPLE: Final = files("demo") / "sample.json"

_SAMPLE_ROWS: Final = """SELECT
    (SELECT count() FROM fasttrack.casino
        WHERE tenant = {tenant:String} AND unique_id IN ('9cd823d3fe', '9cd823d3ff'))
    + (SELECT count() FROM fasttrack.payment
        WHERE tenant = {tenant:String} AND payment_id = 'a1b2b3')"""


class DemoError(Exception):
    """The demo found that something is wrong; the text says what."""


def post_sample(stage: Stage, console: Console) -> None:
    """Post the contract's own sample and wait until its rows are in the views.

    Raises:
        DemoError: it is not answered 204, or its three rows do not appear.
    """
    wait_for_key(stage)
    console.rule("The contract's own sample", align="left")
    answer = stage.api().post(SAMPLE.read_bytes())
    if answer.status != 204:
        msg = f"the contract's sample was answered {answer.reason()}"
        raise DemoError(msg)
    posted = time.monotonic()
    with stage.analyst() as client:
        while client.query(_SAMPLE_ROWS, parameters={"tenant": TENANT}).result_rows != [(3,)]:
            if time.monotonic() - posted > STALLED_AFTER_SECONDS:
                raise DemoError("the sample's three rows did not appear in the views")
            stage.sleep(0.02)
        took = time.monotonic() - posted
        wait_for_outcomes(stage, client)
    console.print(
        f"answered 204 without a body; its three rows were in the views {took:.1f} s later"
    )


def play_evening(stage: Stage, console: Console, *, seed: int, events: int) -> Account:
    """Post an evening of *events* items, wait until all have an outcome, return the account."""
    console.rule(f"An evening of {events:,} events (seed {seed})", align="left")
    with stage.analyst() as client:
        before = read_outcomes(client, TENANT)
        sent, unsure = _post(stage, console, seed=seed, events=events)
        wait_for_outcomes(stage, client, console)
        return Account(sent, before, read_outcomes(client, TENANT), unsure)


def _post(stage: Stage, console: Console, *, seed: int, events: int) -> tuple[Tally, int]:
    """Post every batch until it is answered 204; return what was sent and the retried items."""
    api_client = ApiClient(stage.api(), SendOptions(gzip=True), stage.clock())
    sent, unsure, started = Tally(), 0, time.monotonic()
    with _progress(console) as progress:
        bar = progress.add_task("posted", total=events)
        for batch in batches(seed, events, BATCH_ITEMS, evening=evening_day()):
            attempts = api_client.counts.attempts
            deque(api_client.send(_to_send(batch)), maxlen=0)
            unsure += batch.items * (api_client.counts.attempts - attempts - 1)
            sent.add(batch.tally)
            progress.advance(bar, batch.items)
            stage.sleep(0)
    took = time.monotonic() - started
    console.print(f"every batch answered 204 after {took:.1f} s, {events / took:,.0f} items/s")
    return sent, unsure


def evening_day() -> date:
    """Return the day the demo's evening begins on: two days ago, so over in every time zone."""
    return (datetime.now(UTC) - timedelta(days=2)).date()


def _to_send(batch: SentBatch) -> Sendable:
    found = reading.items(io.BytesIO(batch.body))
    return Sendable(tuple(item for item in found if isinstance(item, reading.FileItem)))


def wait_for_outcomes(stage: Stage, client: Client, console: Console | None = None) -> None:
    """Return when every record that is in Kafka now has an outcome in the ledger.

    Raises:
        DemoError: nothing moved for a minute.
    """
    ends = asyncio.run(read_ends(stage.settings.kafka_bootstrap))
    started = moved = time.monotonic()
    behind = first = lag_behind(ends, client).records
    with _progress(console or Console(quiet=True)) as progress:
        bar = progress.add_task("stored", total=first)
        while behind:
            stage.sleep(0.05)
            now = lag_behind(ends, client).records
            moved = time.monotonic() if now != behind else moved
            behind = now
            progress.update(bar, completed=first - behind)
            if time.monotonic() - moved > STALLED_AFTER_SECONDS:
                msg = f"{behind:,} records in Kafka have no outcome; see the workers' logs"
                raise DemoError(msg)
    if console:
        console.print(
            f"no lag {time.monotonic() - started:.1f} s later: every record has an outcome"
        )


def _progress(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description:>7}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
