"""Records that no client should send, on every topic that is read: the worker stays up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from events.contract.registry import REJECTED_TOPIC
from railhead.kafka.topics import changelog_topic
from tests.streams.judge.odd_values import ODD_BYTES, ODD_JSON
from tests.system.e2e.system import System, wait_until
from tests.system.e2e.test_main_way import bet, count
from tests.system.e2e.test_odd_topics import CASINO

pytestmark = pytest.mark.e2e

FIELDS = ("reason", "tenant", "raw", "position", "partition", "offset", "received_at", "report")
ODD_DEAD_LETTERS = [
    *ODD_BYTES.values(),
    *(
        ("{" + f'"reason":"r","{field}":{odd}' + "}").encode()
        for field in FIELDS
        for odd in ODD_JSON.values()
    ),
]
ODD_HEADERS: list[list[tuple[str, Any]]] = [
    [],
    [("tenant", None)],
    [("tenant", b"\xff")],
    [("tenant", b"acme"), ("received_at", b"9999-12-31T23:59:59.999999-14:00")],
    [("tenant", b"acme"), ("received_at", None), ("request_id", b"\xff\x00")],
    [("", None), ("x" * 1_000, b"y" * 1_000)],
]


async def produce(system: System, topic: str, records: list[tuple[Any, Any, Any]]) -> None:
    """Append (key, value, headers) to a topic."""
    producer = AIOKafkaProducer(
        bootstrap_servers=system.kafka, max_request_size=4 * 2**20, linger_ms=20
    )
    await producer.start()
    try:
        sent = [
            # The producer wants one of the two.
            await producer.send(
                topic, value, key or (b"key" if value is None else None), headers=headers
            )
            for key, value, headers in records
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def test_odd_records_are_rows_and_end_no_worker(new_system: Callable[..., System]) -> None:
    """On dead letters, on an event topic, and in the changelog that a restart reads."""
    system = new_system()
    key = system.tenant("acme")
    system.post_items([bet("before")], key)
    system.wait_value(count("acme"), 1)
    worker = system.pid("worker-1")
    dead_letters = [(None, value, ODD_HEADERS[n % 6]) for n, value in enumerate(ODD_DEAD_LETTERS)]
    events = [
        (None if n % 2 else b"\xff\x00", value, headers)
        for n, headers in enumerate(ODD_HEADERS)
        for value in [*ODD_BYTES.values(), json.dumps(bet(f"odd-{n}")["data"]).encode()]
    ]
    blocks = [(None, value, headers) for value in ODD_BYTES.values() for headers in ODD_HEADERS]

    asyncio.run(produce(system, REJECTED_TOPIC, dead_letters))
    asyncio.run(produce(system, CASINO, events))
    changelog = changelog_topic("realtime-casino", group="railhead")
    asyncio.run(produce(system, changelog, blocks))

    # Two of the headers name a tenant; the other records are rejected.
    rejected = len(events) - 2
    system.wait_value(
        "SELECT count() FROM fasttrack.rejected", len(dead_letters) + rejected, seconds=90
    )
    system.wait_value(count("acme"), 3)
    assert system.pid("worker-1") == worker
    system.again()
    system.post_items([bet("after")], key)
    system.wait_value(count("acme"), 4, seconds=60)
    assert system.value("SELECT count() FROM fasttrack.rejected") == len(dead_letters) + rejected
    for row in system.sql("SELECT raw FROM fasttrack.rejected WHERE reason = 'unreadable_reject'"):
        assert isinstance(row[0], str)
    wait_until(
        lambda: "The accounts balance" in system.railhead("reconcile", check=False),
        seconds=60,
        what="the accounts balance",
        every=1,
    )
