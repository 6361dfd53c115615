"""Measures how long a partition stands still when a worker joins or leaves.

Under a steady load each partition of each topic gets a ledger row several times a second; the
longest time without one, of all partitions that had rows before, is the time of the move.
"""

from __future__ import annotations

import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final

from bench.load.corpus import Corpus
from bench.load.load import Load, put_load
from bench.load.usage import watched
from bench.machine import Machine, running_machine
from bench.options import Options
from bench.results import Bar, BenchResult, Metric
from railhead.stack.settings import WORKER

PARTITIONS: Final = 2
EVENTS_PER_SECOND: Final = 5_000
SECONDS: Final = 30.0
ACT_AFTER_SECONDS: Final = 4.0
FLOWING: Final = 10
ROWS: Final = """
SELECT topic, partition, toUnixTimestamp64Milli(written_at) / 1000
FROM fasttrack_store.ledger FINAL WHERE topic != 'fasttrack.rejected' ORDER BY written_at
"""
SECOND_WORKER: Final = f"{WORKER}-2"


def measure_rebalance(options: Options) -> list[BenchResult]:
    """Let a second worker leave, join, and be killed, each while events come in."""
    with running_machine(partitions=PARTITIONS, workers=2, say=options.say) as machine:
        key = machine.keys(["bench"])
        metrics = []
        acts = (
            ("leaves", lambda: machine.stack.halt(SECOND_WORKER), Bar(at_most=5)),
            ("joins", lambda: machine.stack.resume(SECOND_WORKER), Bar(at_most=5)),
            ("is killed", lambda: _kill(machine), None),
        )
        for number, (what, act, bar) in enumerate(acts, start=1):
            load = Load(
                corpus=Corpus(options.evening_items, 500),
                connections=8,
                seconds=SECONDS,
                events_per_second=EVENTS_PER_SECOND,
                first_lap=number * 1_000,
            )
            longest = _silence(machine, key, load, act)
            metrics.append(Metric(f"longest silence when it {what}", longest, "s", bar))
    return [
        BenchResult(
            name=f"a second worker comes and goes, {EVENTS_PER_SECOND:,} events/s",
            metrics=metrics,
            detail={"partitions": PARTITIONS, "at_most_seconds": SECONDS - ACT_AFTER_SECONDS},
        )
    ]


def _kill(machine: Machine) -> None:
    os.kill(machine.pids(SECOND_WORKER)[SECOND_WORKER], signal.SIGKILL)


def _silence(machine: Machine, keys: list[str], load: Load, act: Callable[[], None]) -> float:
    """The longest silence from when *act* was done, some seconds into *load*, to its end."""
    loading_since = time.time()
    with ThreadPoolExecutor(1) as pool, watched({}) as usage:
        loading = pool.submit(
            put_load, load, port=machine.settings.http_port, keys=keys, usage=usage
        )
        _await_flow(machine, loading_since)
        time.sleep(ACT_AFTER_SECONDS)
        begun = time.time()
        act()
        load_result = loading.result()
    return longest_silence(machine.rows(ROWS), begun - 1.0, load_result.ended)


def _await_flow(machine: Machine, since: float) -> None:
    """Return when each partition of the busiest topics has rows of this load."""
    while (
        len({(topic, number) for topic, number, at in machine.rows(ROWS) if at > since}) < FLOWING
    ):
        time.sleep(0.25)


def longest_silence(rows: Iterable[tuple[str, int, float]], started: float, ended: float) -> float:
    """The longest time between *started* and *ended* without a row of some (topic, partition).

    *rows* are topic, partition and moment. Partitions without rows before *started* do not count:
    nothing may come there.

    Raises:
        ValueError: no partition had any, so there is nothing to measure.
    """
    moments: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    for topic, partition, at in rows:
        moments[topic, partition].append(at)
    silences = [
        after - before
        for known in moments.values()
        if known[0] < started
        for before, after in pairwise(
            [started, *(at for at in known if started <= at <= ended), ended]
        )
    ]
    return max(silences)
