"""`railhead up --parts kafka` as its user meets it: started, killed, started again, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from railhead.stack.background import running_stack
from railhead.stack.ports import free_port
from railhead.stack.settings import StackSettings
from railhead.stack.supervision import parent_death

pytestmark = pytest.mark.e2e

RAILHEAD = [sys.executable, "-m", "railhead.cli.main"]
TOPIC = "fasttrack.realtime-casino"


class Up:
    """A `railhead up --parts kafka` on a data directory."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.output = data_dir.parent / f"output-{self.port}"
        up = [*RAILHEAD, "up", "--data-dir", str(data_dir), *self.kafka_alone, *options]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                parent_death.command(os.getpid(), up), stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def kafka_alone(self) -> tuple[str, ...]:
        """The options that leave the other parts out."""
        return "--parts", "kafka", "--kafka-port", str(self.port)

    @property
    def lines(self) -> list[str]:
        """What it printed so far."""
        return self.output.read_text().splitlines()

    @property
    def kafka_pid(self) -> int:
        """The broker's process id."""
        return int((self.data_dir / "run" / "kafka.pid").read_text())

    def wait_ready(self) -> None:
        """Wait for the one line that says so."""
        wait_until(lambda: self.says("ready ") or self.process.poll() is not None)
        assert self.says("ready "), self.lines

    def says(self, beginning: str) -> bool:
        """Whether a line begins like this."""
        return any(line.startswith(beginning) for line in self.lines)

    def end(self) -> int:
        """Stop it as a service manager does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def wait_until(condition: Callable[[], bool], *, within_seconds: float = 60) -> None:
    """Wait for *condition*, or fail."""
    deadline = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether the process exists and is more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Start `up` on this test's directory; what still runs is killed at the end."""
    started: list[Up] = []

    def start(*options: str) -> Up:
        started.append(Up(tmp_path / "data", *options))
        return started[-1]

    yield start
    for up in started:
        up.process.kill()
        up.process.wait()


async def produce(port: int, values: range) -> None:
    """Send *values* and return once all are acknowledged."""
    async with AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{port}", acks="all") as producer:
        sent = [await producer.send(TOPIC, str(value).encode()) for value in values]
        await asyncio.gather(*sent)


async def consume(port: int) -> list[int]:
    """Everything the topic holds."""
    partition = TopicPartition(TOPIC, 0)
    found: list[int] = []
    async with AIOKafkaConsumer(bootstrap_servers=f"127.0.0.1:{port}") as consumer:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found.extend(int(record.value or b"") for record in records)
    return found


def test_acknowledged_records_survive_the_brokers_death_and_a_new_start(
    start: Callable[..., Up],
) -> None:
    """Kill -9 of the broker: it is back by itself. SIGTERM: exit 0, and the next `up` goes on."""
    up = start()
    up.wait_ready()
    asyncio.run(produce(up.port, range(20_000)))
    killed = up.kafka_pid
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: sum(line.startswith("kafka: up") for line in up.lines) == 2)

    asyncio.run(produce(up.port, range(20_000, 20_100)))
    assert up.end() == 0
    again = start()
    again.wait_ready()

    assert asyncio.run(consume(again.port)) == list(range(20_100))
    assert again.end() == 0
    assert [line for line in up.lines if line.startswith("ready ")] == [
        f"ready kafka://127.0.0.1:{up.port}"
    ]
    assert not (again.data_dir / "run" / "kafka.pid").exists()


def test_a_second_up_on_the_directory_fails_with_the_reason(start: Callable[..., Up]) -> None:
    """And leaves the first alone."""
    first = start()
    first.wait_ready()
    second = start()

    assert second.process.wait(30) == 1
    assert f"(pid {first.process.pid})" in second.lines[-1]
    assert is_running(first.kafka_pid)


def test_nothing_outlives_a_killed_up(start: Callable[..., Up]) -> None:
    """The next one starts on what it left."""
    up = start()
    up.wait_ready()
    broker = up.kafka_pid
    up.process.kill()
    wait_until(lambda: not is_running(broker))

    again = start()
    again.wait_ready()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_starting_stops_cleanly(
    start: Callable[..., Up], number: signal.Signals
) -> None:
    """Exit 0, no `ready` line, nothing left running."""
    up = start()
    pid_file = up.data_dir / "run" / "kafka.pid"
    wait_until(pid_file.exists)
    broker = up.kafka_pid
    up.process.send_signal(number)

    assert up.process.wait(30) == 0
    assert not up.says("ready ")
    assert not is_running(broker)


def test_topics_are_as_declared_and_never_repartitioned(start: Callable[..., Up]) -> None:
    """A run that wants another number of partitions fails and says what exists."""
    up = start("--partitions", "2")
    up.wait_ready()
    topics = [*RAILHEAD, "topics", "--bootstrap", f"127.0.0.1:{up.port}"]
    same = subprocess.run([*topics, "--check"], capture_output=True, text=True, check=False)
    other = subprocess.run(
        [*topics, "--partitions", "3"], capture_output=True, text=True, check=False
    )
    shorter = subprocess.run(
        [*topics, "--apply-config"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RAILHEAD_EVENT_RETENTION_HOURS": "24"},
    )

    assert same.returncode == 0, same.stderr
    assert other.returncode == 1
    assert f"{TOPIC}: partitions=2, expected 3" in other.stderr
    assert shorter.returncode == 0, shorter.stderr
    assert shorter.stdout.count("updated") == 7


def test_the_stack_can_be_run_from_python(tmp_path: Path) -> None:
    """Ports left open are chosen; a part can be halted and resumed, as an outage."""
    reported: list[str] = []
    settings = StackSettings(data_dir=tmp_path / "data", kafka_port=0, parts=("kafka",))
    with running_stack(settings, on_progress=reported.append) as stack:
        asyncio.run(produce(stack.settings.kafka_port, range(10)))
        stack.halt("kafka")
        assert stack.pid("kafka") is None
        stack.resume("kafka")

        assert asyncio.run(consume(stack.settings.kafka_port)) == list(range(10))
    assert reported[-1].startswith("kafka: stopped after")
