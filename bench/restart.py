"""How soon does a killed worker store again when it has millions of ids to read? Seconds to a row.

The ids are put into the changelog of one event type as a worker packs them; then the worker reads
them in, is killed, and the first range it finishes after that ends the clock. New records arrive
right after the kill.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Final

import numpy as np
from aiokafka import AIOKafkaProducer

from bench.corpus import Corpus
from bench.machine import Machine, running_machine
from bench.options import Options
from bench.preload import preload
from bench.remember import random_block
from bench.results import Bar, Figure, Result
from bench.stream import STUCK_SECONDS, StuckError, progress, store_all
from bench.usage import watched
from railhead.kafka.topics import changelog_topic
from railhead.stack.settings import CLICKHOUSE, KAFKA, WORKER
from streams.seen.blocks import pack

PARTS: Final = (KAFKA, CLICKHOUSE, WORKER)
REMEMBERED: Final = 10_000_000
IDS_A_RECORD: Final = 10_000
TYPE: Final = "realtime-casino"


def measure_restart(options: Options) -> list[Result]:
    """Measure one worker with millions of ids in its changelog: its rate, and its return."""
    number = options.pick(quick=100_000, full=REMEMBERED)
    with running_machine(parts=PARTS, say=options.say) as machine:
        machine.stack.halt(f"{WORKER}-1")
        options.say(f"writing {number:,} ids to the changelog")
        asyncio.run(_remember(machine.settings.kafka_bootstrap, number))
        name = f"stream, one worker with {number:,} remembered ids"
        stored = store_all(machine, options, name=name)
        return [stored, _kill(machine, options, number)]


async def _remember(bootstrap: str, number: int) -> None:
    """Write *number* ids to the changelog.

    All blocks begin at offset 0, so that the records to come do not lie before them.
    """
    dice = np.random.default_rng(11)
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


def _kill(machine: Machine, options: Options, number: int) -> Result:
    worker = f"{WORKER}-1"
    pid = machine.pids(worker)[worker]
    corpus = Corpus(options.evening_items, 1_000)
    corpus.evening  # noqa: B018 - made before the clock starts
    killed = time.time()
    os.kill(pid, signal.SIGKILL)
    preload(machine.settings.kafka_bootstrap, corpus, items=1, tenants=["bench"], first_lap=900_000)
    with watched({}) as usage:
        stored = _first_range(machine, killed)
        usage.add(worker, machine.pids(worker)[worker])
        usage.note()
    resident = usage.tracks[worker].resident_bytes[-1] / 2**20
    return Result(
        name=f"kill -9 of a worker with {number:,} remembered ids",
        figures=[
            Figure(
                name="first row stored after", value=stored - killed, unit="s", bar=Bar(at_most=20)
            ),
            Figure(name="worker resident", value=resident, unit="MiB"),
        ],
    )


def _first_range(machine: Machine, since: float) -> float:
    """When the first range after *since* was finished, in seconds since 1970.

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
