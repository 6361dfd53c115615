"""Measures an outage of the store: memory while it lasts, time to catch up, effect on clients.

Events keep coming in. The engine is stopped, not killed: it answers nobody for as long as an
operator may need to bring it back. A measured minute before the outage shows what is normal.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.load.corpus import Corpus
from bench.load.load import Load, put_load
from bench.load.plan import LoadResult
from bench.load.usage import Track, watched
from bench.machine import Machine, running_machine
from bench.measurements.stream import Progress, await_records, progress
from bench.measurements.whole import PROCESSES, lag_at
from bench.options import Options
from bench.results import Bar, BenchResult, Metric
from railhead.stack.settings import CLICKHOUSE, WORKER

EVENTS_PER_SECOND: Final = 5_000
MIB: Final = 2**20
# Dead letters of workers have a topic; those of the ingest API (invalid items) have none.
DEAD_LETTERS: Final = "SELECT count() FROM fasttrack.rejected WHERE topic != ''"


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of load before the outage, of the outage, and after it."""

    before: float
    outage: float
    after: float


def measure_outage(options: Options) -> list[BenchResult]:
    """Measure one outage of ten minutes, a short one in a quick run."""
    times = Times(10.0, 8.0, 10.0) if options.quick else Times(60.0, 600.0, 60.0)
    load = Load(
        corpus=Corpus(options.evening_items, 500),
        connections=8,
        seconds=times.before + times.outage + times.after,
        events_per_second=EVENTS_PER_SECOND,
    )
    with running_machine(say=options.say) as machine:
        keys = machine.keys(["bench"])
        since = time.time()
        pids = machine.pids(*(name for name in PROCESSES if name != CLICKHOUSE))
        with watched(pids) as usage:
            down, up, load_result = _under_load(
                machine,
                times,
                lambda: put_load(load, port=machine.settings.http_port, keys=keys, usage=usage),
            )
            await_records(machine, sum(items for _, items in load_result.acked), since=since)
        done = progress(machine, since=since)
        dead_letters = int(machine.rows(DEAD_LETTERS)[0][0])
    return [
        BenchResult(
            name=f"outage of the engine, {times.outage:,.0f} s at {EVENTS_PER_SECOND:,} events/s",
            metrics=[
                Metric("dead letters", dead_letters, "records", Bar(at_most=0)),
                Metric(
                    "requests not answered 204", _refused(load_result), "requests", Bar(at_most=0)
                ),
                Metric("slowest request", load_result.max_ms, "ms"),
                *_memory(usage.tracks[f"{WORKER}-1"], down, up),
                *_catching_up(load_result, done, up),
            ],
            detail={
                "statuses": load_result.statuses,
                "p99_ms": load_result.p99_ms,
                "stored": done.stored,
            },
        )
    ]


def _under_load(
    machine: Machine, times: Times, put: Callable[[], LoadResult]
) -> tuple[float, float, LoadResult]:
    """Stop and start the engine while *put* runs; return when it was stopped and back."""
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(put)
        pause = threading.Event()
        pause.wait(times.before)
        machine.stack.halt(CLICKHOUSE)
        down = time.time()
        pause.wait(times.outage)
        machine.stack.resume(CLICKHOUSE)
        return down, time.time(), loading.result()


def _refused(load_result: LoadResult) -> int:
    return sum(count for status, count in load_result.statuses.items() if status != "204")


def _memory(track: Track, down: float, up: float) -> list[Metric]:
    """How much more memory the worker had than in the half minute before: during and after."""
    notes = list(zip(track.moments, track.resident_bytes, strict=True))
    usual = median(size for at, size in notes if down - 30 <= at < down)
    most = max(size for at, size in notes if down <= at < up)
    later = max(size for at, size in notes if at >= up)
    return [
        Metric("worker before it", usual / MIB, "MiB"),
        Metric("worker grows in it by", (most - usual) / MIB, "MiB", Bar(at_most=50)),
        Metric("worker grows after it by", (later - usual) / MIB, "MiB"),
    ]


def _catching_up(load_result: LoadResult, done: Progress, up: float) -> list[Metric]:
    """How fast the lag shrinks, from when the engine is back until one second of events is left."""
    moments = [up + step / 10 for step in range(int(10 * max(0.1, done.ended - up)) + 1)]
    lags = lag_at(moments, load_result, done)
    caught = next(
        (at for at, lag in zip(moments, lags, strict=True) if lag <= EVENTS_PER_SECOND), done.ended
    )
    seconds = max(0.1, caught - up)
    worked = sum(n for at, n in zip(done.moments, done.records, strict=True) if up < at <= caught)
    return [
        Metric("lag when it is over", lags[0], "events"),
        Metric("caught up after", seconds, "s"),
        Metric("works then at", worked / seconds, "events/s"),
        Metric(
            "that is, of what comes in",
            worked / seconds / EVENTS_PER_SECOND,
            "times",
            Bar(at_least=5),
        ),
    ]
