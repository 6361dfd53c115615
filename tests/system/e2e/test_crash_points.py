"""Death at every named point: the part is killed there, started again, and nothing is wrong.

One stack lives through all points, with traffic at each; the check compares all answers that the
clients got since the start with all that the store holds.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import clickhouse_connect
import pytest
import pytest_asyncio

import failpoints
from railhead.stack.ports import free_port
from tests.system.chaos import engine
from tests.system.chaos.checker import check
from tests.system.chaos.clients import Client, Quota, post_over_http, produce_directly
from tests.system.chaos.history import History
from tests.system.chaos.rig import Rig, RigPlan, until
from tests.system.chaos.run import drain
from tests.system.chaos.topics import read_all
from tests.system.chaos.traffic import Ids, Traffic

pytestmark = pytest.mark.e2e

TENANT = "alpha"
EVENTS_PER_CLIENT = 300
EVENTS_PER_SECOND = 170.0
DIES_WITHIN_SECONDS = 120
# Dying at the first pass would leave every partition untouched; these may be passed once only.
PASSES = {
    "worker.in_recovery": 1,
    "worker.before_commit": 1,
    "worker.after_commit": 1,
    "worker.before_move": 1,
    "worker.after_move": 1,
}
PARTS = {"door": "door-1", "worker": "worker-1"}


@dataclass
class Crashes:
    """A running stack, its clients and their log."""

    rig: Rig
    history: History
    key: str
    ids: Ids = field(default_factory=Ids)
    rounds: Iterator[int] = field(default_factory=itertools.count)

    async def send(self) -> None:
        """Send one round of traffic, over HTTP and directly, until all of it is acknowledged."""
        number = next(self.rounds)

        def client(name: str, rubbish_share: float = 0.0) -> Client:
            traffic = Traffic(f"{name} {number}", self.ids, rubbish_share=rubbish_share)
            # A quota of its own: of a shared one, the quickest may leave the others nothing, and
            # only the direct producer writes to partitions that are not the id's.
            quota = Quota(EVENTS_PER_CLIENT, EVENTS_PER_SECOND, time.monotonic())
            return Client(name, TENANT, traffic, quota, self.history)

        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            for name in ("http-1", "http-2"):
                group.create_task(post_over_http(client(name), self.rig.url, self.key))
            direct = client("kafka-1", rubbish_share=0.2)
            group.create_task(produce_directly(direct, self.rig.bootstrap))

    async def findings(self) -> dict[str, list[str]]:
        """What is wrong once everything is stored."""
        await drain(self.rig, say=lambda _: None)
        truth = await read_all(self.rig.bootstrap)
        ask = lambda query: engine.rows(self.rig.engine_url, query)  # noqa: E731
        return (await check(self.history, truth, ask)).examples


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crashes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Crashes]:
    """One stack for all points."""
    directory = tmp_path_factory.mktemp("crashes")
    async with Rig(RigPlan(directory=directory / "data", partitions=2, workers=1, apis=1)) as rig:
        history = History(directory / "history.jsonl")
        yield Crashes(rig, history, await rig.tenant(TENANT))
        history.close()


@pytest.mark.timeout(240)
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("point", [p for p in failpoints.POINTS if p.split(".")[0] in PARTS])
async def test_a_part_may_die_at_this_point(crashes: Crashes, point: str, tmp_path: Path) -> None:
    """What was acknowledged is there once and exact, and the ledger has each outcome."""
    part, marker = PARTS[point.partition(".")[0]], tmp_path / "died"
    armed = f"{point}:{PASSES.get(point, 2)}"
    environment = {failpoints.VARIABLE: armed, failpoints.ONCE: str(marker)}

    # In order, so that the group need not wait for the session of a dead member.
    await crashes.rig.restart(part, environment, by=signal.SIGTERM)
    await crashes.send()
    await until(marker.exists, seconds=DIES_WITHIN_SECONDS, what=f"{part} dies at {armed}")
    await crashes.rig.answers()

    assert await crashes.findings() == {}


@pytest.fixture
def bare_engine(tmp_path: Path) -> Iterator[int]:
    """The port of an engine without tables."""
    port = free_port()
    command = [sys.executable, "-m", "railhead.cli.main", "clickhouse", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--data-dir", str(tmp_path / "engine")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready ")
    yield port
    process.terminate()
    process.communicate(timeout=60)


def migrate(port: int, **environment: str) -> int:
    """The exit code of `railhead migrate`, negative for a signal."""
    own = {"RAILHEAD_CLICKHOUSE_URL": f"http://127.0.0.1:{port}", **environment}
    command = [sys.executable, "-m", "railhead.cli.main", "migrate"]
    done = subprocess.run(command, env=os.environ | own, capture_output=True, check=False)
    return done.returncode


@pytest.mark.timeout(120)
def test_a_migration_may_die_between_statements(bare_engine: int) -> None:
    """Run again, it goes on and records each step once."""
    for passes in (1, 4, 9):
        armed = {failpoints.VARIABLE: f"migrate.midway:{passes}"}
        assert migrate(bare_engine, **armed) == -signal.SIGKILL

    assert migrate(bare_engine) == 0
    client = clickhouse_connect.get_client(host="127.0.0.1", port=bare_engine)
    noted = client.query("SELECT step, count() FROM fasttrack_store.migrations FINAL GROUP BY step")
    tables = client.query("SELECT name FROM system.tables WHERE database = 'fasttrack'")
    assert {row[1] for row in noted.result_rows} == {1}
    assert {"casino", "rejected", "ledger"} <= {row[0] for row in tables.result_rows}
    assert migrate(bare_engine) == 0
