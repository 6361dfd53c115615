"""Measures how soon a killed worker stores again when it has millions of ids to read.

The ids are written to the changelog of one event type as a worker packs them. The worker reads
them and is killed; the clock stops at the first offset range it finishes after that. New records
arrive right after the kill. Then many more ids are written, and the worker's rate is compared with
that of a worker without ids.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import replace
from typing import Final

import numpy as np
from aiokafka import AIOKafkaProducer

from bench.load.corpus import Corpus
from bench.load.preload import preload
from bench.load.usage import watched
from bench.machine import Machine, running_machine
from bench.measurements.remember import random_block
from bench.measurements.stream import STUCK_SECONDS, StuckError, await_records, progress, store_all
from bench.options import Options
from bench.results import Bar, BenchResult, Metric
from railhead.kafka.topics import changelog_topic
from railhead.stack.settings import CLICKHOUSE, KAFKA, WORKER
from streams.dedup.blocks import pack

WORKER_1: Final = f"{WORKER}-1"
PARTS: Final = (KAFKA, CLICKHOUSE, WORKER)
KILLED_WITH: Final = 10_000_000
MOST: Final = 50_000_000
IDS_A_RECORD: Final = 10_000
TYPE: Final = "realtime-casino"


def measure_restart(options: Options) -> list[BenchResult]:
    """Measure one worker without ids, kill it with millions, and measure it with still more."""
    few, many = (50_000, 100_000) if options.quick else (KILLED_WITH, MOST)
    with running_machine(parts=PARTS, say=options.say) as machine:
        none = store_all(machine, options, name="stream, one worker without ids")
        machine.stack.halt(WORKER_1)
        options.say(f"writing {few:,} ids to the changelog")
        asyncio.run(_remember(machine.settings.kafka_bootstrap, few, seed=1))
        machine.stack.resume(WORKER_1)
        killed = _kill(machine, options, few)
        machine.stack.halt(WORKER_1)
        options.say(f"writing {many - few:,} ids to the changelog")
        asyncio.run(_remember(machine.settings.kafka_bootstrap, many - few, seed=2))
        name = f"stream, one worker with {many:,} remembered ids"
        some = store_all(machine, options, name=name, first_lap=500_000)
    _compare(some, none, many)
    return [none, some, killed]


def _compare(some: BenchResult, none: BenchResult, ids: int) -> None:
    """Add what *ids* cost: the share of the rate that is left, the memory of each."""
    more = some.processes[WORKER_1].peak_mib - none.processes[WORKER_1].peak_mib
    share = (some.metric("stored") or 0.0) / (none.metric("stored") or 1.0)
    for result in (some, none):
        result.metrics = [replace(metric, bar=None) for metric in result.metrics]
    some.metrics += [
        Metric("rate beside that with none", share, "", Bar(at_least=0.7)),
        Metric("worker's peak memory", more * 2**20 / ids, "B an id", Bar(at_most=48)),
    ]


async def _remember(bootstrap: str, number: int, *, seed: int) -> None:
    """Write *number* ids to the changelog.

    All blocks begin at offset 0, so that no later record has a lower offset.
    """
    dice = np.random.default_rng(seed)
    topic = changelog_topic(TYPE, group="railhead")
    now_ms = round(time.time() * 1000)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=8 * 2**20)
    await producer.start()
    try:
        for _ in range(number // IDS_A_RECORD):
            block = random_block(dice, IDS_A_RECORD, first_offset=0, at_ms=now_ms)
            await producer.send(topic, pack(block), key=block.key, partition=0)
        await producer.flush()
    finally:
        await producer.stop()


def _kill(machine: Machine, options: Options, number: int) -> BenchResult:
    pid = machine.pids(WORKER_1)[WORKER_1]
    corpus = Corpus(options.evening_items, 1_000)
    corpus.evening  # noqa: B018 - made before the clock starts
    killed = time.time()
    os.kill(pid, signal.SIGKILL)
    kafka = machine.settings.kafka_bootstrap
    records = preload(kafka, corpus, items=1, tenants=["bench"], first_lap=900_000)
    with watched({}) as usage:
        stored = _first_range(machine, killed)
        usage.add(WORKER_1, machine.pids(WORKER_1)[WORKER_1])
        usage.note()
    await_records(machine, records, since=killed)
    resident = usage.tracks[WORKER_1].resident_bytes[-1] / 2**20
    return BenchResult(
        name=f"kill -9 of a worker with {number:,} remembered ids",
        metrics=[
            Metric("first row stored after", stored - killed, "s", Bar(at_most=20)),
            Metric("worker resident", resident, "MiB"),
        ],
    )


def _first_range(machine: Machine, since: float) -> float:
    """When the first offset range after *since* was finished, in seconds since 1970.

    Raises:
        StuckError: none was.
    """
    until = time.monotonic() + STUCK_SECONDS
    while time.monotonic() < until:
        done = progress(machine, since=since)
        if done.moments:
            return done.started
        time.sleep(0.2)
    raise StuckError("the worker stored nothing after it was killed")
