"""Starts and stops the whole stack in order.

    start   Kafka, then its topics  |  ClickHouse, then its tables     side by side
            ingest APIs and workers                                    once both are ready
    stop    ingest APIs (no new work), workers, ClickHouse, Kafka

What was acknowledged is in Kafka, so a crash at any point loses none of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from typing import Self

from railhead.stack.addresses import write_record
from railhead.stack.directory import DataDirectory
from railhead.stack.logfile import open_log
from railhead.stack.parts import RAILHEAD, api_part, clickhouse_part, kafka_part, worker_part
from railhead.stack.ports import PortRegistry, require_free
from railhead.stack.settings import CLICKHOUSE, INGEST_API, KAFKA, LOOPBACK, WORKER, StackSettings
from railhead.stack.steps import ready_broker, run_step
from railhead.stack.supervision.supervisor import Part, Say, Supervisor
from tenants.tenants_file import make_first_file


class Stack:
    """The one-machine stack: `async with Stack(settings, on_progress=print) as stack: ...`.

    Use it from one event loop, and keep that loop's thread alive while it runs: parts die with
    the thread that started them. *on_progress* gets one line for each thing that happens. Once
    started, `settings` holds the ports that were chosen for those left open.
    """

    def __init__(self, settings: StackSettings, *, on_progress: Say) -> None:
        self.settings = settings
        self.home = DataDirectory(settings.data_dir)
        self._on_progress = on_progress
        self._supervisors: dict[str, Supervisor] = {}
        self._metrics: dict[str, str] = {}
        self._kill_now = asyncio.Event()

    async def start(self) -> None:
        """Start everything and return when all of it can take traffic.

        When this fails or is cancelled, what was started is stopped before it raises.

        Raises:
            StackError: the directory or a port is taken, or a part does not come up.
        """
        self.home.acquire()
        try:
            # That of an `up` that was killed.
            self.home.addresses.unlink(missing_ok=True)
            await self._start(PortRegistry(self.home.ports))
            self._write_addresses()
        except BaseExceptionGroup as exc:
            await self.stop()
            raise _first(exc) from exc
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything in order, each part in bounded time, and release the directory."""
        if self.home.is_ours:
            self.home.addresses.unlink(missing_ok=True)
        for kind in (INGEST_API, WORKER, CLICKHOUSE, KAFKA):
            parts = [s for name, s in self._supervisors.items() if name.startswith(kind)]
            await asyncio.gather(*(part.stop() for part in parts))
        self._supervisors.clear()
        self.home.release()

    def kill_now(self) -> None:
        """Kill instead of waiting, in the `stop` that is under way or to come."""
        self._kill_now.set()

    async def halt(self, name: str) -> None:
        """Stop the part *name* ("clickhouse", "worker-1") and leave it stopped."""
        await self._supervisors[name].stop()

    async def resume(self, name: str) -> None:
        """Start a halted part again and return when it answers."""
        await self._run(self._supervisors[name].part)

    def environment(self) -> dict[str, str]:
        """What every command of Railhead needs to find this stack."""
        return {
            "RAILHEAD_KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap,
            "RAILHEAD_CLICKHOUSE_URL": self.settings.clickhouse_url,
            "RAILHEAD_DATA_DIR": str(self.home.root),
            "RAILHEAD_TENANTS_FILE": str(self.home.tenants),
            "RAILHEAD_HTTP_HOST": self.settings.http_host,
            "RAILHEAD_HTTP_PORT": str(self.settings.http_port),
            "PYTHONUNBUFFERED": "1",
        }

    def say(self, line: str) -> None:
        """Report *line* to the caller, and write it with the time to `logs/up.log`."""
        self._on_progress(line)
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        # A full disk must not end the supervision that reports it.
        with contextlib.suppress(OSError), open_log(self.home.log("up")) as log:
            log.write(f"{now} {line}\n".encode())

    async def _start(self, registry: PortRegistry) -> None:
        make_first_file(self.home.tenants)
        await self._settle_ports(registry)
        async with asyncio.TaskGroup() as group:
            if self.settings.has(KAFKA):
                group.create_task(self._start_kafka(registry))
            if self.settings.has(CLICKHOUSE):
                group.create_task(self._start_clickhouse())
        async with asyncio.TaskGroup() as group:
            for part in (*self._apis(registry), *self._workers(registry)):
                group.create_task(self._run(part))

    def _write_addresses(self) -> None:
        try:
            write_record(self.home.addresses, self.settings, self._metrics)
        except OSError as exc:
            self.say(f"commands will not find this stack: {self.home.addresses}: {exc.strerror}")

    async def _settle_ports(self, registry: PortRegistry) -> None:
        asked = self.settings
        hosts = {"--http-port": asked.http_host}
        await require_free(
            (hosts.get(option, LOOPBACK), port, option)
            for port, option in asked.asked_ports()
            if port
        )
        self.settings = replace(
            asked,
            http_port=asked.http_port or registry.choose("http"),
            kafka_port=asked.kafka_port or registry.choose("kafka"),
            clickhouse_port=asked.clickhouse_port or registry.choose("clickhouse"),
        )

    async def _start_kafka(self, registry: PortRegistry) -> None:
        broker = await ready_broker(self.home, fsync=self.settings.fsync, say=self.say)
        await self._run(kafka_part(broker, port=self.settings.kafka_port, registry=registry))
        await self._step("topics", *self._topic_options())

    def _topic_options(self) -> Iterable[str]:
        yield "--apply-config"
        if self.settings.partitions is not None:
            yield from ("--partitions", str(self.settings.partitions))
        else:
            yield from ("--default-partitions", str(self.settings.workers))

    async def _start_clickhouse(self) -> None:
        await self._run(clickhouse_part(self.home, port=self.settings.clickhouse_port))
        await self._step("migrate")

    def _apis(self, registry: PortRegistry) -> Iterable[Part]:
        apis = self.settings.apis if self.settings.has(INGEST_API) else 0
        for number in range(1, apis + 1):
            name = f"{INGEST_API}-{number}"
            # On a shared port one cannot tell which process answers.
            port = registry.choose(name) if apis > 1 else None
            at = self.settings.http_url if port is None else f"http://{LOOPBACK}:{port}"
            self._metrics[name] = f"{at}/metrics"
            yield api_part(
                name,
                address=(self.settings.http_host, self.settings.http_port),
                metrics_port=port,
                environment=self.environment(),
            )

    def _workers(self, registry: PortRegistry) -> Iterable[Part]:
        for number in range(1, self.settings.workers + 1) if self.settings.has(WORKER) else ():
            port = registry.choose(f"{WORKER}-{number}")
            self._metrics[f"{WORKER}-{number}"] = f"http://{LOOPBACK}:{port}/metrics"
            yield worker_part(number, home=self.home, port=port, environment=self.environment())

    async def _run(self, part: Part) -> None:
        supervisor = Supervisor(part, home=self.home, say=self.say, kill_now=self._kill_now)
        self._supervisors[part.name] = supervisor
        await supervisor.start()

    async def _step(self, name: str, *options: str) -> None:
        argv = [*RAILHEAD, name, *options]
        await run_step(name, argv, home=self.home, environment=self.environment(), say=self.say)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure that came first; the others are tasks cancelled because of it."""
    failure = group.exceptions[0]
    return _first(failure) if isinstance(failure, BaseExceptionGroup) else failure
