"""Producers of other projects: librdkafka by confluent-kafka, the Java client by Kafka's tools."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from confluent_kafka import KafkaError, Message, Producer

from railhead.kafka.jar_cache import class_path, ensure_jars, jar_directory
from railhead.kafka.java import find_java
from railhead.kafka.pins import Jar

WITHIN_SECONDS: Final = 60
# Of the broker's Kafka release; the broker itself does not need it.
TOOLS: Final = Jar(
    "org.apache.kafka",
    "kafka-tools",
    "4.4.0",
    "4eb9a7fbfd63badfd8d1a677aa2d54b47b2b2d442ff7d68fd223972afea1954c",
)
CODECS: Final = ("none", "gzip", "snappy", "lz4", "zstd")
Record = tuple[bytes | None, bytes]
"""Key and value."""


def librdkafka(bootstrap: str, **options: Any) -> Producer:
    """A producer with librdkafka's own defaults except for *options*."""
    named = {name.replace("_", "."): value for name, value in options.items()}
    return Producer({"bootstrap.servers": bootstrap, **named})


def send(producer: Producer, topic: str, tenant: str, records: Iterable[Record]) -> list[int]:
    """Produce *records* and return where each was put, in their order.

    Raises AssertionError when one of them was not acknowledged.
    """
    partitions: dict[int, int] = {}

    def note(number: int, error: KafkaError | None, message: Message) -> None:
        assert error is None, error
        partition = message.partition()
        assert partition is not None
        partitions[number] = partition

    for number, (key, value) in enumerate(records):
        producer.produce(
            topic,
            value,
            key,
            headers=[("tenant", tenant.encode())],
            on_delivery=partial(note, number),
        )
    assert producer.flush(WITHIN_SECONDS) == 0
    return [partitions[number] for number in sorted(partitions)]


def java(tool: str, *arguments: str, lines: Sequence[bytes] = ()) -> str:
    """Run one of Kafka's tools with *lines* as its input; what it printed.

    Raises AssertionError when it fails.
    """
    runtime = find_java()
    jars = ensure_jars(jar_directory(), say=print, stop=threading.Event(), extra=[TOOLS])
    done = subprocess.run(
        [runtime.executable, *runtime.options(), "-Xmx256m", "-cp", class_path(jars),
         f"org.apache.kafka.tools.{tool}", *arguments],
        input=b"".join(line + b"\n" for line in lines),
        capture_output=True,
        check=False,
        timeout=2 * WITHIN_SECONDS,
    )  # fmt: skip
    printed = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, printed
    # The console producer logs what it could not send, and goes on.
    assert " ERROR " not in printed, printed
    return printed


def send_by_console(
    bootstrap: str, topic: str, tenant: str, records: Iterable[Record], *options: str
) -> None:
    """Produce *records* by the Java client, with its own defaults except for *options*."""
    records = list(records)
    keyed = all(key is not None for key, _ in records)
    properties = ["parse.headers=true", f"parse.key={str(keyed).lower()}"]
    java(
        "ConsoleProducer",
        *("--bootstrap-server", bootstrap, "--topic", topic),
        *(word for one in properties for word in ("--reader-property", one)),
        # The tool's own 1.5 s are for people; a busy machine needs more.
        *("--request-timeout-ms", str(WITHIN_SECONDS * 1000)),
        *options,
        lines=[
            b"\t".join([b"tenant:" + tenant.encode(), *([key] if key else []), value])
            for key, value in records
        ],
    )


def send_by_performance_test(
    bootstrap: str, topic: str, payloads: Path, records: int, *options: str
) -> None:
    """Produce *records* values, taken from random lines of *payloads*, without headers."""
    java(
        "ProducerPerformance",
        *("--bootstrap-server", bootstrap, "--topic", topic, "--throughput", "-1"),
        *("--num-records", str(records), "--payload-file", str(payloads)),
        *options,
    )


def value(item: dict[str, Any]) -> bytes:
    """An item as a record's value."""
    return json.dumps(item).encode()
