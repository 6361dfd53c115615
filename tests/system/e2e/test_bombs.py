"""Record batches that open to gigabytes, through the broker, on every topic that is read."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest

from events.contract.registry import REJECTED_TOPIC
from railhead.kafka.topics import changelog_topic
from tests.streams.fetch.bombs import batch, records
from tests.streams.fetch.kafka_batches import HEADER_BYTES, Made, Record, sealed
from tests.system.e2e.system import RAILHEAD, System
from tests.system.e2e.test_main_way import bet, count
from tests.system.e2e.test_odd_topics import CASINO

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(590)]

# Of one partition while it is opened, of what recovery has gathered, and what may come on top.
BOUND_MIB = 16 + 12 + 64
# Five of 8 MiB come at once to be made, sent, fetched and stored; SECURITY.md has what more take.
DEAD_LETTERS_MIB = 128
CHANGELOG = changelog_topic("realtime-casino", group="railhead")
RECONCILE = ("reconcile", "--every-record")
REJECTED = "SELECT count() FROM fasttrack.rejected"
# A record of a gigabyte is more than a broker's heap holds. In a slow codec a worker passes over it
# for longer than its group waits for a heartbeat.
SIZES = {"zstd": (10**9, 1), "gzip": (10**9, 1)}
REFUSED = sum(count for _, count in SIZES.values()) + 1


def odd_header() -> bytes:
    """A batch with a record whose header's name is no text."""
    good = Made(0, [Record(0, b"{}", headers=[("a", b"b")])], 0).to_bytes()
    at = good.rindex(b"a", HEADER_BYTES)
    return sealed(bytearray(good[:at] + b"\xff" + good[at + 1 :]))


@cache
def bombs() -> list[bytes]:
    """Long records in each codec, and an odd header behind them."""
    made = [batch(codec, records(*of), of[1], flags=0) for codec, of in SIZES.items()]
    return [*made, odd_header()]


async def produce(system: System, topic: str, batches: list[bytes]) -> None:
    """Append *batches* to partition 0 as they are."""
    client = AIOKafkaClient(bootstrap_servers=system.kafka, request_timeout_ms=120_000)
    await client.bootstrap()
    try:
        await client.add_topic(topic)
        await client.force_metadata_update()
        leader = client.cluster.leader_for_partition(TopicPartition(topic, 0))
        for one in batches:
            request = ProduceRequest(None, -1, 120_000, [(topic, [(0, one)])])
            answer = await client.send(leader, request)
            ((_, ((_, error, *_),)),) = answer.topics
            assert error == 0, f"the broker refuses a batch: {error}"
    finally:
        await client.close()


def peak_mib(pid: int) -> int:
    """The most memory that the process ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [one for one in status.splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def command_peak_mib(system: System, *words: str) -> tuple[int, str]:
    """The most memory that a command had, and what it printed."""
    program = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=False)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, RAILHEAD, *words],
        env=system.environment, capture_output=True, text=True, check=False, timeout=500,
    )  # fmt: skip
    *printed, peak = done.stdout.splitlines()
    return int(peak) // 1024, "\n".join(printed) + done.stderr


def test_bombs_on_every_topic_are_held_to_the_bound(new_system: Callable[..., System]) -> None:
    """By the broker, a worker at work and one that starts, and `railhead reconcile`."""
    system = new_system()
    key = system.tenant("acme")
    system.post_items([bet(f"before-{n}") for n in range(100)], key)
    system.wait_value(count("acme"), 100)
    worker = system.pid("worker-1")
    assert worker is not None
    idle = peak_mib(worker), command_peak_mib(system, *RECONCILE)[0]

    for topic in (CHANGELOG, CASINO, REJECTED_TOPIC):
        asyncio.run(produce(system, topic, bombs()))
    system.post_items([bet("after")], key)
    rejected = 2 * REFUSED
    system.wait_value(REJECTED, rejected, seconds=200)
    system.wait_value(count("acme"), 101, seconds=60)
    assert system.pid("worker-1") == worker
    at_work = peak_mib(worker)

    # The next worker's first record is one of a gigabyte.
    system.again("--parts", "kafka,clickhouse")
    asyncio.run(produce(system, CASINO, bombs()))
    system.again()
    system.post_items([bet("before-1"), bet("later")], key)
    rejected += REFUSED
    system.wait_value(REJECTED, rejected, seconds=200)
    system.wait_value(count("acme"), 102, seconds=60)
    worker = system.pid("worker-1")
    assert worker is not None
    recovered = peak_mib(worker)
    reconciled, printed = command_peak_mib(system, *RECONCILE)
    assert "The accounts balance" in printed

    assert "OutOfMemoryError" not in (system.data_dir / "logs" / "kafka.log").read_text()
    peaks = f"idle {idle}, at work {at_work}, recovered {recovered}, reconciled {reconciled} MiB"
    sys.stdout.write(f"{peaks}\n")
    assert max(at_work, recovered) - idle[0] <= BOUND_MIB + DEAD_LETTERS_MIB, peaks
    assert reconciled - idle[1] <= BOUND_MIB, peaks
