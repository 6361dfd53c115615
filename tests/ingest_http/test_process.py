"""An ingest API process as operators see it: started, drained, killed, run twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from ingest_http.http.routes import BULK_PATH
from railhead.stack.background import BackgroundStack
from railhead.stack.ports import free_port
from tests.ingest_http.running_api import casino, new_tenant, until

RAILHEAD = [sys.executable, "-m", "railhead.cli.main"]
NO_BROKER = "127.0.0.1:1"


@dataclass
class Process:
    """A running `railhead serve`."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def get(self, path: str) -> int:
        """The status of GET *path*; 0 if nobody answers."""
        with contextlib.closing(HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            try:
                connection.request("GET", path)
                return connection.getresponse().status
            except OSError:
                return 0

    def post_items(self, key: str, items: Any, query: str = "") -> tuple[int, bytes]:
        """Post *items*; status 0 if the connection broke."""
        with contextlib.closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            headers = {"x-api-key": key, "content-type": "application/json"}
            try:
                connection.request("POST", BULK_PATH + query, orjson.dumps(items), headers)
                answer: HTTPResponse = connection.getresponse()
                return answer.status, answer.read()
            except OSError:
                return 0, b""

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(40)


class Starter:
    """Starts ingest APIs and ends them after the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tenants = folder / "tenants.json"
        self.started: list[Process] = []

    def start(self, bootstrap: str, *, port: int | None = None, **environment: str) -> Process:
        """Start an ingest API; returns when it answers."""
        port = port or free_port()
        log = self.folder / f"api-{len(self.started)}.log"
        own = {
            "RAILHEAD_KAFKA_BOOTSTRAP": bootstrap,
            "RAILHEAD_HTTP_PORT": str(port),
            "RAILHEAD_TENANTS_FILE": str(self.tenants),
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*RAILHEAD, "serve"], env=os.environ | own | environment, stderr=output
            )
        api = Process(process, port, log)
        self.started.append(api)
        wait_for(lambda: api.get("/health/live") == 200 or process.poll() is not None)
        return api

    def ready(self, bootstrap: str, **options: Any) -> Process:
        """Start an ingest API; returns when it, not another one on its port, is ready."""
        own = free_port()
        api = self.start(bootstrap, RAILHEAD_METRICS_PORT=str(own), **options)
        wait_for(lambda: replace(api, port=own).get("/health/ready") == 200)
        return api


def wait_for(condition: Any, seconds: float = 30) -> None:
    """Wait for *condition*, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.05)


@pytest.fixture
def apis(tmp_path: Path) -> Iterator[Starter]:
    """Ingest APIs of one test."""
    starter = Starter(tmp_path)
    yield starter
    for api in starter.started:
        if api.process.poll() is None:
            api.process.kill()
            api.process.wait(10)


def test_api_without_a_broker_lives_and_refuses_quickly(apis: Starter) -> None:
    """503 at once rather than waiting in a queue; SIGTERM ends it in seconds."""
    key = new_tenant(apis.tenants, "acme")
    api = apis.start(NO_BROKER)

    started = time.monotonic()
    status, body = api.post_items(key, [casino("a")])

    assert status == 503
    assert orjson.loads(body)["error"] == "not_ready"
    assert time.monotonic() - started < 2
    assert api.get("/health/ready") == 503
    assert api.end() == 0


def test_wrong_settings_are_reported_by_name(apis: Starter) -> None:
    """Before anything is opened."""
    done = subprocess.run(
        [*RAILHEAD, "serve"],
        env=os.environ | {"RAILHEAD_HTTP_PORT": "many", "RAILHEAD_MAX_ITEMS": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 2
    assert "RAILHEAD_HTTP_PORT" in done.stderr
    assert "RAILHEAD_MAX_ITEMS" in done.stderr


def test_broken_tenants_file_stops_the_start(apis: Starter) -> None:
    """And the reason is the last line."""
    apis.tenants.write_text("{")

    api = apis.start(NO_BROKER)

    assert api.process.wait(10) == 1
    assert "tenants.json" in api.log.read_text().splitlines()[-1]


def test_port_of_another_program_stops_the_start(apis: Starter) -> None:
    """Only ingest APIs share a port."""
    import socket  # noqa: PLC0415 - only here

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        log = apis.folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*RAILHEAD, "serve", "--port", str(other.getsockname()[1])],
                env=os.environ | {"RAILHEAD_KAFKA_BOOTSTRAP": NO_BROKER},
                stderr=output,
            )
        assert process.wait(30) == 1
    assert "address already in use" in log.read_text()


@pytest.mark.e2e
def test_tenant_added_by_command_is_let_in_at_once(apis: Starter, broker: BackgroundStack) -> None:
    """Without a restart, by every process."""
    api = apis.ready(broker.settings.kafka_bootstrap)
    added = subprocess.run(
        [*RAILHEAD, "tenant", "add", "acme", "--create", "--data-dir", str(apis.folder)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert api.post_items(added.stdout.strip(), [casino("a")])[0] == 204


@pytest.mark.e2e
def test_revoked_key_is_out_within_a_second(apis: Starter, broker: BackgroundStack) -> None:
    """Also in a process that has used it."""
    key = new_tenant(apis.tenants, "acme")
    api = apis.ready(broker.settings.kafka_bootstrap)
    assert api.post_items(key, [])[0] == 204

    subprocess.run(
        [*RAILHEAD, "tenant", "revoke", "acme", "--data-dir", str(apis.folder)], check=True
    )

    wait_for(lambda: api.post_items(key, [])[0] == 403, seconds=2)


@pytest.mark.e2e
def test_two_processes_share_a_port_and_one_may_die(apis: Starter, broker: BackgroundStack) -> None:
    """Connections go to any process that listens."""
    key = new_tenant(apis.tenants, "acme")
    first = apis.ready(broker.settings.kafka_bootstrap)
    second = apis.ready(broker.settings.kafka_bootstrap, port=first.port)

    first.end(signal.SIGKILL)

    assert {second.post_items(key, [casino(str(at))])[0] for at in range(20)} == {204}


@pytest.mark.e2e
async def test_draining_under_load_breaks_no_request(
    apis: Starter, broker: BackgroundStack
) -> None:
    """With another process on the port, clients with keep-alive connections notice nothing."""
    key = new_tenant(apis.tenants, "acme")
    bootstrap = broker.settings.kafka_bootstrap
    leaving = await asyncio.to_thread(apis.ready, bootstrap)
    staying = await asyncio.to_thread(apis.ready, bootstrap, port=leaving.port)
    statuses: list[int] = []
    url = f"http://127.0.0.1:{leaving.port}{BULK_PATH}"
    stop = asyncio.Event()

    async def send(client: aiohttp.ClientSession, number: int) -> None:
        items = [casino(f"{number}-{at}") for at in range(50)]
        while not stop.is_set():
            async with client.post(url, json=items, headers={"x-api-key": key}) as answer:
                statuses.append(answer.status)

    async with aiohttp.ClientSession() as client:
        tasks = [asyncio.create_task(send(client, number)) for number in range(16)]
        await until(lambda: len(statuses) > 100)
        leaving.process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(leaving.process.wait, 40)
        after = len(statuses)
        await until(lambda: len(statuses) > after + 100)
        stop.set()
        await asyncio.gather(*tasks)

    assert code == 0
    assert set(statuses) == {204}
    assert staying.get("/health/ready") == 200


@pytest.mark.e2e
@pytest.mark.parametrize(
    "point", ["door.after_validate", "door.after_some_produced", "door.before_answer"]
)
def test_api_killed_midway_answers_nothing_and_the_repeat_succeeds(
    apis: Starter, broker: BackgroundStack, point: str
) -> None:
    """No answer means: send it again. No 204 was sent for anything that may be missing."""
    key = new_tenant(apis.tenants, "acme")
    items = [casino(f"{point}-{at}") for at in range(100)]
    bootstrap = broker.settings.kafka_bootstrap
    dying = apis.ready(bootstrap, RAILHEAD_FAILPOINT=point)

    assert dying.post_items(key, items)[0] == 0
    assert dying.process.wait(10) == -signal.SIGKILL
    assert apis.ready(bootstrap, port=dying.port).post_items(key, items)[0] == 204


@pytest.mark.e2e
def test_broker_killed_under_load_and_every_request_is_answered(
    apis: Starter, broker: BackgroundStack
) -> None:
    """204, 503 or 510, within the deadline; after the broker is back, 204 again."""
    key = new_tenant(apis.tenants, "acme")
    api = apis.ready(broker.settings.kafka_bootstrap)
    slowest = 0.0
    statuses: list[int] = []

    def send(number: int) -> None:
        nonlocal slowest
        started = time.monotonic()
        statuses.append(api.post_items(key, [casino(f"b{number}-{at}") for at in range(20)])[0])
        slowest = max(slowest, time.monotonic() - started)

    pid = broker.pid("kafka")
    assert pid is not None
    with ThreadPoolExecutor(8) as pool:
        before = [pool.submit(send, number) for number in range(50)]
        for one in before[:20]:
            one.result()
        os.kill(pid, signal.SIGKILL)
        for number in range(50, 200):
            pool.submit(send, number)

    assert set(statuses) <= {204, 503, 510}
    assert 204 in statuses
    assert slowest < 21
    wait_for(lambda: api.get("/health/ready") == 200, seconds=60)
    assert api.post_items(key, [casino("after")])[0] == 204
