"""A whole run: start, send and harm, heal, drain, check.

The clients finish their quota whatever happens; their answers are what is checked.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.system.chaos import clock, engine
from tests.system.chaos.checker import CheckResult, check, sums
from tests.system.chaos.clients import Client, Quota, post_over_http, produce_directly
from tests.system.chaos.history import History
from tests.system.chaos.librdkafka import produce_by_librdkafka
from tests.system.chaos.nemesis import Nemesis
from tests.system.chaos.rig import Rig, RigPlan
from tests.system.chaos.topics import Truth, committed, ends, read_all, unread
from tests.system.chaos.traffic import Ids, Traffic
from tests.system.chaos.transactions import produce_in_transactions

TENANTS = ("alpha", "beta", "gamma")
# The tenant whose id rules change. It sends one content for each id: a repeat of a conflict across
# two rules counts as a repeat, not as a conflict, when both are in one insert.
CHANGING = "gamma"
# Tenants added during the run, and after which share of the time.
JOINING = {"delta": 0.2, "epsilon": 0.5}
# An ingest API may be paused for nine seconds, and reads the tenants file twice a second.
KNOWN_AFTER_SECONDS = 20.0
HTTP_CLIENTS_EACH = 2
RUBBISH_SHARE = 0.2
# Of the time; the rest is for the clients to finish without faults.
SENDING_SHARE = 0.9
DRAIN_WITHIN_SECONDS = 240.0
CLIENTS_END_WITHIN_SECONDS = 300.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a run is to be like."""

    seed: int
    directory: Path
    seconds: float = 120.0
    events: int = 60_000
    deaths: int = 0
    workers: int = 2
    apis: int = 2
    partitions: int = 3
    small_disks: bool = False
    longest_outage_seconds: float = 15.0

    @property
    def changes_id_rules(self) -> bool:
        """Whether id rules change, or the broker's clock may be wrong: one of both by the seed."""
        return self.seed % 2 == 1


@dataclass(slots=True)
class RunResult:
    """The result of a run."""

    check_result: CheckResult
    events: int
    records: int
    sums: Counter[str]
    deaths: Counter[str]
    faults: Counter[str]
    attempts: Counter[str]
    harm_seconds: float
    drain_seconds: float
    history: Path
    troubles: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return self.check_result.is_clean and not self.troubles


async def run(options: RunOptions, *, say: Say) -> RunResult:
    """Run once.

    Raises:
        AssertionError: it could not be checked, as clients, parts or the drain did not end.
    """
    options.directory.mkdir(parents=True, exist_ok=True)
    history = History(options.directory / "history.jsonl")
    plan = RigPlan(
        directory=options.directory / "data",
        partitions=options.partitions,
        workers=options.workers,
        apis=options.apis,
        small_disks=options.small_disks,
    )
    try:
        async with Rig(plan) as rig:
            return await _harm_and_check(rig, options, history, say)
    finally:
        history.close()


async def _harm_and_check(rig: Rig, options: RunOptions, history: History, say: Say) -> RunResult:
    library = await asyncio.to_thread(clock.build, options.directory)
    nemesis = Nemesis(rig, options.seed, history, library, options.longest_outage_seconds)
    if options.changes_id_rules:
        nemesis.tenants_to_change = (CHANGING,)
    keys = {tenant: await rig.tenant(tenant) for tenant in TENANTS}
    await asyncio.sleep(1)  # ingest APIs read the tenants file twice a second
    say(f"running: {', '.join(rig.names())}")
    history.begin()
    begun = time.monotonic()
    clients = asyncio.create_task(_all(_clients(rig, options, history, keys)))
    harm = asyncio.create_task(nemesis.run(options.seconds, deaths=options.deaths))
    while not harm.done():
        await asyncio.wait({harm, clients}, timeout=15, return_when=asyncio.FIRST_EXCEPTION)
        say(
            f"{time.monotonic() - begun:5.0f} s: {history.events:,} events acknowledged, "
            f"{rig.deaths.total()} deaths"
        )
        if clients.done():
            clients.result()
    await harm
    harmed = time.monotonic() - begun
    await nemesis.heal()
    say(f"healed after {harmed:.0f} s; waiting for the clients")
    async with asyncio.timeout(CLIENTS_END_WITHIN_SECONDS):
        await clients
    drained = await drain(rig, say=say)
    say(f"drained in {drained:.1f} s; checking")
    truth = await read_all(rig.bootstrap)
    check_result = await check(history, truth, lambda query: engine.rows(rig.engine_url, query))
    return _result(nemesis, truth, check_result, (harmed, drained))


def _result(
    nemesis: Nemesis, truth: Truth, check_result: CheckResult, seconds: tuple[float, float]
) -> RunResult:
    history = nemesis.history
    return RunResult(
        check_result=check_result,
        events=history.events,
        records=truth.records,
        sums=sums(truth),
        deaths=nemesis.rig.deaths,
        faults=nemesis.faults,
        attempts=history.attempts,
        harm_seconds=seconds[0],
        drain_seconds=seconds[1],
        history=history.path,
    )


async def _all(clients: Iterator[Coroutine[None, None, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for one in clients:
            group.create_task(one)


def _clients(
    rig: Rig, options: RunOptions, history: History, keys: dict[str, str]
) -> Iterator[Coroutine[None, None, None]]:
    quota = Quota(
        options.events, options.events / (options.seconds * SENDING_SHARE), time.monotonic()
    )
    for tenant in TENANTS:
        yield from _clients_of(tenant, rig, options, (history, quota), (keys[tenant], 0.0))
    for tenant, share in JOINING.items():
        yield _join(tenant, share * options.seconds, rig, options, (history, quota))


async def _join(
    tenant: str,
    after_seconds: float,
    rig: Rig,
    options: RunOptions,
    shared: tuple[History, Quota],
) -> None:
    """Add *tenant* after a while and run its clients, which begin at once."""
    await asyncio.sleep(after_seconds)
    key = await rig.tenant(tenant)
    shared[0].fault(f"{tenant} joined")
    known_at = time.monotonic() + KNOWN_AFTER_SECONDS
    await _all(_clients_of(tenant, rig, options, shared, (key, known_at)))


def _clients_of(
    tenant: str,
    rig: Rig,
    options: RunOptions,
    shared: tuple[History, Quota],
    key: tuple[str, float],
) -> Iterator[Coroutine[None, None, None]]:
    """The clients of *tenant*; *key* is its key and when every process knows it."""
    ids = Ids()
    history, quota = shared

    def client(name: str, rubbish_share: float = 0.0) -> Client:
        conflicts = tenant != CHANGING or not options.changes_id_rules
        traffic = Traffic(
            f"{name} {options.seed}", ids, rubbish_share=rubbish_share, conflicts=conflicts
        )
        return Client(name, tenant, traffic, quota, history)

    for number in range(HTTP_CLIENTS_EACH):
        by_http = client(f"http-{tenant}-{number}")
        yield post_over_http(by_http, rig.url, key[0], known_at=key[1])
    yield produce_directly(client(f"kafka-{tenant}", RUBBISH_SHARE), rig.bootstrap)
    yield produce_by_librdkafka(client(f"librdkafka-{tenant}", RUBBISH_SHARE), rig.bootstrap)
    yield produce_in_transactions(client(f"transactions-{tenant}"), rig.bootstrap)


async def drain(rig: Rig, *, say: Say) -> float:
    """Wait until every record is stored and committed; the seconds it took.

    Raises:
        AssertionError: it takes too long; names the partitions that lag.
    """
    begun = time.monotonic()
    reported: dict[str, int] = {}
    while lag := await _lag(rig):
        if time.monotonic() - begun > DRAIN_WITHIN_SECONDS:
            raise AssertionError(f"not drained after {DRAIN_WITHIN_SECONDS:.0f} s: {lag}")
        if lag != reported:
            say(f"lag: {sum(lag.values()):,} records in {len(lag)} partitions")
            reported = lag
        await asyncio.sleep(1)
    return time.monotonic() - begun


async def _lag(rig: Rig) -> dict[str, int]:
    last, done = await ends(rig.bootstrap), await committed(rig.bootstrap)
    # Nothing committed is as good as offset 0 only where nothing was ever written.
    at = {tp: max(0, done.get(tp, 0)) for tp in last}
    open_ones = {tp: at[tp] for tp, end in last.items() if at[tp] < end}
    behind = await unread(rig.bootstrap, open_ones, last)
    return {f"{tp.topic}[{tp.partition}]": last[tp] - at[tp] for tp in behind}
