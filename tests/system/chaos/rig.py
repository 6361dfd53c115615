"""The system under test: the parts of `railhead up`, each with a gate, behind proxies.

The parts are the product's own, started by its own supervisor. Around each of them:

- a gate: closed, a part that ended is not started again until it opens (it is "down");
- an environment that may change between two starts (an armed fail point, a wrong clock);
- for broker, engine and ingest API a proxy, which is the only address the others know.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from railhead.kafka.broker import Broker
from railhead.stack.directory import DataDirectory
from railhead.stack.parts import RAILHEAD, api_part, clickhouse_part, kafka_part, worker_part
from railhead.stack.ports import PortRegistry, free_ports
from railhead.stack.settings import INGEST_API, LOOPBACK
from railhead.stack.steps import ready_broker, run_step
from railhead.stack.supervision.supervisor import Part, Supervisor
from tenants.tenants_file import make_first_file
from tests.system.chaos.disk import SmallDisk
from tests.system.chaos.proxy import Proxy

# Deadlines are shortened so that a short run reaches them, too.
ENVIRONMENT = {
    "RAILHEAD_CLICKHOUSE_INSERT_TIMEOUT_SECONDS": "6",
    "RAILHEAD_CLICKHOUSE_QUERY_TIMEOUT_SECONDS": "10",
    "RAILHEAD_CHANGELOG_TIMEOUT_SECONDS": "8",
    "RAILHEAD_SESSION_TIMEOUT_SECONDS": "6",
    "RAILHEAD_KAFKA_TIMEOUT_SECONDS": "5",
    "RAILHEAD_REQUEST_DEADLINE_SECONDS": "12",
    "PYTHONUNBUFFERED": "1",
}
UP_AGAIN_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RigPlan:
    """How large the rig is."""

    directory: Path
    partitions: int = 3
    workers: int = 2
    apis: int = 2
    small_disks: bool = False


@dataclass(slots=True)
class Member:
    """One supervised part."""

    part: Part
    usual: Mapping[str, str]
    environment: dict[str, str]
    gate: asyncio.Event
    supervisor: Supervisor


class Rig:
    """`async with Rig(plan) as rig: ...`; everything is stopped at the end."""

    def __init__(self, plan: RigPlan) -> None:
        self.plan = plan
        self.home = DataDirectory(plan.directory)
        self.members: dict[str, Member] = {}
        self.deaths: Counter[str] = Counter()
        self._kill_now = asyncio.Event()
        http, kafka, engine, *ports = free_ports(6)
        self._http_port, self._kafka_port, self._engine_port = http, kafka, engine
        targets = {"door": http, "kafka": kafka, "clickhouse": engine}
        self.proxies = {
            name: Proxy(port, target)
            for (name, target), port in zip(targets.items(), ports, strict=True)
        }
        self.disks = {
            "kafka": SmallDisk(self.home.of("kafka"), 1536),
            "clickhouse": SmallDisk(self.home.of("clickhouse"), 1024),
        }

    @property
    def url(self) -> str:
        """The ingest APIs, behind their proxy."""
        return f"http://{LOOPBACK}:{self.proxies['door'].port}"

    @property
    def bootstrap(self) -> str:
        """The broker, behind its proxy."""
        return f"{LOOPBACK}:{self.proxies['kafka'].port}"

    @property
    def engine_url(self) -> str:
        """The engine itself, for the checker."""
        return f"http://{LOOPBACK}:{self._engine_port}"

    def environment(self) -> dict[str, str]:
        """What a part needs to find the others."""
        return {
            **ENVIRONMENT,
            "RAILHEAD_KAFKA_BOOTSTRAP": self.bootstrap,
            "RAILHEAD_CLICKHOUSE_URL": f"http://{LOOPBACK}:{self.proxies['clickhouse'].port}",
            "RAILHEAD_DATA_DIR": str(self.home.root),
            "RAILHEAD_TENANTS_FILE": str(self.home.tenants),
            "RAILHEAD_HTTP_HOST": LOOPBACK,
            "RAILHEAD_HTTP_PORT": str(self._http_port),
        }

    async def __aenter__(self) -> Self:
        self.home.acquire()
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _start(self) -> None:
        if self.plan.small_disks:
            for disk in self.disks.values():
                disk.mount()
        for proxy in self.proxies.values():
            await proxy.start()
        registry = PortRegistry(self.home.ports)
        broker = await ready_broker(self.home, fsync=False, say=self._say)
        engine = clickhouse_part(self.home, port=self._engine_port)
        await asyncio.gather(
            self._run(self._behind_proxy(broker, registry), {}), self._run(engine, {})
        )
        await asyncio.gather(
            self._step("topics", "--partitions", str(self.plan.partitions)), self._step("migrate")
        )
        make_first_file(self.home.tenants)
        await asyncio.gather(*(self._run(part, env) for part, env in self._others(registry)))

    def _behind_proxy(self, broker: Broker, registry: PortRegistry) -> Part:
        """The broker, set up to send its clients to the proxy."""
        part = kafka_part(broker, port=self._kafka_port, registry=registry)

        async def prepare() -> list[str]:
            argv = await part.prepare()
            await asyncio.to_thread(self._advertise_proxy, Path(argv[-1]))
            return argv

        return replace(part, prepare=prepare)

    def _advertise_proxy(self, settings: Path) -> None:
        direct = f"advertised.listeners=PLAINTEXT://{LOOPBACK}:{self._kafka_port}"
        text = settings.read_text()
        if direct not in text:
            raise ValueError(f"{settings} does not contain {direct}")
        proxied = f"advertised.listeners=PLAINTEXT://{self.bootstrap}"
        settings.write_text(text.replace(direct, proxied))

    def _others(self, registry: PortRegistry) -> Iterable[tuple[Part, dict[str, str]]]:
        address = (LOOPBACK, self._http_port)
        for number in range(1, self.plan.apis + 1):
            name = f"{INGEST_API}-{number}"
            port = registry.choose(name)
            part = api_part(
                name, address=address, metrics_port=port, environment=self.environment()
            )
            yield part, dict(part.environment)
        for number in range(1, self.plan.workers + 1):
            port = registry.choose(f"worker-{number}")
            own = self.environment()
            yield worker_part(number, home=self.home, port=port, environment=own), own

    async def _run(self, part: Part, environment: dict[str, str]) -> None:
        gate = asyncio.Event()
        gate.set()

        async def prepare() -> list[str]:
            await gate.wait()
            return await part.prepare()

        gated = replace(part, prepare=prepare, environment=environment)
        supervisor = Supervisor(gated, home=self.home, say=self._say, kill_now=self._kill_now)
        usual = dict(environment)
        self.members[part.name] = Member(gated, usual, environment, gate, supervisor)
        await supervisor.start()

    async def _step(self, name: str, *options: str) -> None:
        argv = [*RAILHEAD, name, *options]
        await run_step(name, argv, home=self.home, environment=self.environment(), say=self._say)

    async def stop(self) -> None:
        """Kill what runs, release the directory and its disks."""
        self._kill_now.set()
        for member in self.members.values():
            member.gate.set()
        await asyncio.gather(*(member.supervisor.stop() for member in self.members.values()))
        for proxy in self.proxies.values():
            await proxy.stop()
        for disk in self.disks.values():
            disk.unmount()
        self.home.release()

    def names(self, kind: str = "") -> list[str]:
        """Names of the parts of a kind, such as "worker"."""
        return [name for name in self.members if name.startswith(kind)]

    def send_signal(self, name: str, number: signal.Signals) -> bool:
        """Send a signal to a part; whether there was a process to take it."""
        pid = self.home.pid(name)
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
            if number is signal.SIGKILL:
                self.deaths[name] += 1
            return True
        return False

    def kill(self, *names: str) -> None:
        """`kill -9`, all of them in one go."""
        for name in names:
            self.send_signal(name, signal.SIGKILL)

    async def restart(
        self,
        name: str,
        environment: dict[str, str],
        *,
        by: signal.Signals = signal.SIGKILL,
    ) -> None:
        """End a part and start it with *environment* on top of its usual one; wait for it."""
        member = self.members[name]
        member.environment.clear()
        member.environment.update({**member.usual, **environment})
        old = self.home.pid(name)
        self.send_signal(name, by)
        await self.started_again(name, old)

    async def started_again(self, name: str, old: int | None) -> None:
        """Return when *name* runs under another process id than *old*."""
        await until(
            lambda: self.home.pid(name) not in {None, old}, seconds=60, what=f"{name} starts again"
        )

    async def answers(self, *names: str) -> None:
        """Return when all parts, or those named, answer as ready."""

        async def ready(name: str) -> None:
            deadline = time.monotonic() + UP_AGAIN_SECONDS
            while not await self.members[name].part.answers():
                if time.monotonic() > deadline:
                    raise AssertionError(f"{name} does not answer after {UP_AGAIN_SECONDS:.0f} s")
                await asyncio.sleep(0.1)

        await asyncio.gather(*(ready(name) for name in names or self.members))

    async def tenant(self, name: str) -> str:
        """Add a tenant; its key."""
        key = await self.tenant_command("add", name)
        if key is None:
            raise AssertionError(f"tenant {name} could not be added")
        return key.strip()

    async def tenant_command(self, *words: str) -> str | None:
        """`railhead tenant`; what it printed, or None when it failed, as without the engine."""
        process = await asyncio.create_subprocess_exec(
            *RAILHEAD, "tenant", *words, "--data-dir", str(self.home.root),
            env={**os.environ, **self.environment(), "RAILHEAD_CLICKHOUSE_URL": self.engine_url},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await process.communicate()
        if process.returncode:
            self._say(f"tenant {' '.join(words)}: {errors.decode()}")
            return None
        return output.decode()

    def _say(self, line: str) -> None:
        with (self.home.logs / "rig.log").open("a") as log:
            log.write(f"{time.strftime('%H:%M:%S')} {line}\n")


async def until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Wait until *condition* is true; fail after *seconds*."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:.0f} s still not: {what}")
        await asyncio.sleep(0.05)
