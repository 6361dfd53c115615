"""Measures the whole path from HTTP to the visible row, under light and heavy load."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import numpy as np

from bench.load.corpus import Corpus
from bench.load.load import Load, put_load
from bench.load.plan import LoadResult
from bench.load.probe import TENANT, probing
from bench.load.usage import Usage, watched
from bench.machine import Machine, running_machine
from bench.measurements.ingest_api import per_second
from bench.measurements.stream import Progress, await_records, progress
from bench.options import Options
from bench.results import Bar, BenchResult, Metric
from railhead.stack.settings import CLICKHOUSE, INGEST_API, KAFKA, WORKER

LIGHT: Final = 10_000
HEAVY: Final = 50_000
PROCESSES: Final = (f"{INGEST_API}-1", KAFKA, CLICKHOUSE, f"{WORKER}-1")


def measure_whole(options: Options) -> list[BenchResult]:
    """Measure all parts together on one machine."""
    with running_machine(say=options.say) as machine:
        keys = machine.keys(["bench", TENANT])
        return [_light(machine, keys, options), _heavy(machine, keys, options)]


def _light(machine: Machine, keys: list[str], options: Options) -> BenchResult:
    load = Load(
        corpus=Corpus(options.evening_items, 500),
        connections=16,
        seconds=options.seconds * 2,
        events_per_second=LIGHT,
        warm_up_seconds=3.0,
    )
    pids = {**machine.pids(*PROCESSES), "probe": os.getpid()}
    with watched(pids) as usage, probing(machine, keys[1]) as probe:
        load_result = put_load(load, port=machine.settings.http_port, keys=keys[:1], usage=usage)
    waits_ms = [1000 * wait for wait in probe.visible_after_seconds] or [float("inf")]
    return BenchResult(
        name=f"whole way, {LIGHT:,} events/s",
        metrics=[
            Metric("acked", per_second(load_result), "events/s"),
            _share("204 → visible, p50", waits_ms, 50, Bar(at_most=300)),
            _share("204 → visible, p95", waits_ms, 95, Bar(at_most=700)),
            _share("204 → visible, max", waits_ms, 100, None),
        ],
        processes=usage.between(load_result.started, load_result.ended, events=load_result.items),
        detail={"probes": len(waits_ms), "lost": probe.lost, "statuses": load_result.statuses},
    )


def _share(name: str, waits_ms: list[float], percent: int, bar: Bar | None) -> Metric:
    return Metric(name, float(np.percentile(waits_ms, percent)), "ms", bar)


def _heavy(machine: Machine, keys: list[str], options: Options) -> BenchResult:
    load = Load(
        corpus=Corpus(options.evening_items, 1_000),
        connections=32,
        seconds=options.seconds if options.quick else max(60.0, options.seconds),
        events_per_second=HEAVY,
        warm_up_seconds=5.0,
        first_lap=100_000,
    )
    since = time.time()
    with watched(machine.pids(*PROCESSES)) as usage:
        load_result = put_load(load, port=machine.settings.http_port, keys=keys[:1], usage=usage)
        ended = time.time()
        await_records(machine, sum(items for _, items in load_result.acked), since=since)
        drained = time.time() - ended
    return BenchResult(
        name=f"whole way, {HEAVY:,} events/s held for {load.seconds:.0f} s",
        metrics=[
            Metric("acked", per_second(load_result), "events/s", Bar(at_least=0.99 * HEAVY)),
            *_lags(load_result, progress(machine, since=since)),
            Metric("drained after", drained, "s"),
            *_growths(usage, load_result),
        ],
        processes=usage.between(load_result.started, load_result.ended, events=load_result.items),
        detail={"statuses": load_result.statuses, "p99_ms": load_result.p99_ms},
    )


def lag_at(moments: Sequence[float], load_result: LoadResult, done: Progress) -> list[int]:
    """Records acknowledged and not yet finished at each of *moments*."""
    acked = list(accumulate(items for _, items in load_result.acked))
    finished = list(accumulate(done.records))
    acked_at = np.searchsorted([at for at, _ in load_result.acked], moments, side="right")
    finished_at = np.searchsorted(done.moments, moments, side="right")
    return [
        max(0, (acked[a - 1] if a else 0) - (finished[f - 1] if f else 0))
        for a, f in zip(acked_at, finished_at, strict=True)
    ]


def _lags(load_result: LoadResult, done: Progress) -> list[Metric]:
    """Lag in the measured time; flat if it grows by less than a hundredth of what is posted."""
    moments = np.arange(load_result.started, load_result.ended, 0.25)
    lags = lag_at(moments.tolist(), load_result, done)
    slope = float(np.polyfit(moments - moments[0], lags, 1)[0])
    return [
        Metric("lag, mean", float(np.mean(lags)), "events"),
        Metric("lag, most", float(max(lags)), "events"),
        Metric("lag grows", slope, "events/s", Bar(at_most=HEAVY / 100)),
    ]


def _growths(usage: Usage, load_result: LoadResult) -> list[Metric]:
    """How fast the memory of each process grows in the measured time."""
    metrics = []
    for name in PROCESSES:
        track = usage.tracks[name]
        pairs = [
            (at - load_result.started, size / 2**20)
            for at, size in zip(track.moments, track.resident_bytes, strict=True)
            if load_result.started <= at <= load_result.ended
        ]
        if len(pairs) > 2:
            at, sizes = zip(*pairs, strict=True)
            slope = 60 * float(np.polyfit(at, sizes, 1)[0])
            metrics.append(Metric(f"{name} memory grows", slope, "MiB/min"))
    return metrics
