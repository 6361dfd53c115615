"""The ingest API under test: a process with a real broker; its memory, its log, its records."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Final

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.machine import Machine, running_machine
from bench.options import Say
from events.contract.registry import EVENT_TYPES
from tests.system.fuzz.case import TENANT, Key, Secrets

INGEST_API: Final = "door-1"
PARTITIONS: Final = 3
MIB: Final = 1024 * 1024
SETTLE_SECONDS: Final = 20.0
# Lines that say that the API met something unexpected, whatever it answered.
WORST: Final = frozenset({"ERROR", "CRITICAL"})


@dataclass(frozen=True, slots=True)
class Target:
    """A running ingest API."""

    machine: Machine
    secrets: Secrets
    pid: int

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.machine.settings.http_port

    def lives(self) -> bool:
        """Whether it is still the process that was started."""
        return self.machine.stack.pid(INGEST_API) == self.pid and psutil.pid_exists(self.pid)

    def rss_mib(self) -> float:
        """Its resident memory now."""
        return float(psutil.Process(self.pid).memory_info().rss) / MIB

    def settled_rss_mib(self) -> float:
        """Its resident memory once it no longer falls."""
        least, stop_at = self.rss_mib(), time.monotonic() + SETTLE_SECONDS
        unchanged = 0
        while unchanged < 5 and time.monotonic() < stop_at:
            time.sleep(0.2)
            now = self.rss_mib()
            unchanged = 0 if now < least - 0.5 else unchanged + 1
            least = min(least, now)
        return least

    def get(self, path: str) -> tuple[int, bytes]:
        """GET *path*."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def bad_lines(self) -> list[str]:
        """The lines of its log that should not be there."""
        text = (self.machine.directory / "logs" / f"{INGEST_API}.log").read_text("utf-8", "replace")
        return [line for line in text.splitlines() if _is_bad(line)]

    async def records(self) -> set[Key]:
        """(topic, key) of every record on the topics of events."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.machine.settings.kafka_bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            return {key for row in EVENT_TYPES for key in await _keys(consumer, row.topic)}
        finally:
            await consumer.stop()


async def _keys(consumer: AIOKafkaConsumer, topic: str) -> set[Key]:
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    ends = await consumer.end_offsets(partitions)
    found: set[Key] = set()
    while any([await consumer.position(one) < ends[one] for one in partitions]):
        for records in (await consumer.getmany(timeout_ms=1_000)).values():
            found |= {(topic, record.key) for record in records}
    return found


def _is_bad(line: str) -> bool:
    try:
        entry = json.loads(line)
    except ValueError:
        return True
    # For a client that is gone aiohttp logs 500; it receives nothing.
    masked = entry.get("status", 0) >= 500 and entry.get("reason") != "ConnectionResetError"
    masked = masked and entry.get("message") == "not HTTP"
    return masked or entry.get("level") in WORST or "trace" in entry


@contextmanager
def running_target(say: Say) -> Iterator[Target]:
    """Start a broker and an ingest API with two tenants on this machine; stop and remove them."""
    with running_machine(parts=("kafka", "door"), partitions=PARTITIONS, say=say) as machine:
        fuzz, heavy = machine.keys([TENANT, "heavy"])
        pid = machine.stack.pid(INGEST_API)
        assert pid is not None
        target = Target(machine, Secrets(fuzz, heavy), pid)
        deadline = time.monotonic() + 30
        while target.get("/health/ready")[0] != 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        yield target
