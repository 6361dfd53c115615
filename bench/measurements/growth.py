"""Measures growth: with partitions, workers, ingest API processes, batch sizes and tenants.

Each result names its curves and its position on them, so that `bench.plots` can draw them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bench.load.corpus import Corpus
from bench.load.load import Load
from bench.machine import running_machine
from bench.measurements.ingest_api import per_second, put
from bench.measurements.stream import store_all
from bench.options import Options
from bench.results import BenchResult, Metric
from railhead.stack.settings import CLICKHOUSE, INGEST_API, KAFKA, WORKER

BATCH_SIZES: Final = (1, 10, 100, 1_000, 10_000)
INGEST_APIS: Final = (1, 2)
TENANTS: Final = (1, 500)
SHAPES: Final = ((1, 1), (4, 1), (4, 2))
"""Partitions a topic and workers."""


def measure_growth(options: Options) -> list[BenchResult]:
    """Measure ingest APIs, then streams, each on machines of their own."""
    brief = options if options.quick else replace(options, seconds=min(options.seconds, 4.0))
    return [*_apis(brief), *_streams(brief)]


def _apis(options: Options) -> Iterator[BenchResult]:
    for apis in INGEST_APIS:
        with running_machine(parts=(KAFKA, INGEST_API), apis=apis, say=options.say) as machine:
            keys = machine.keys([f"bench-{number}" for number in range(max(TENANTS))])
            work = [("ingest APIs", apis, 1_000, 1)]
            if apis == 1:
                work += [("batch size", size, size, 1) for size in BATCH_SIZES]
                work += [("tenants, ingest API", number, 1_000, number) for number in TENANTS]
            for lap, (curve, x, size, tenants) in enumerate(work, start=1):
                load = Load(
                    corpus=_corpus(options, size),
                    connections=64 if size == 1 else 16,
                    seconds=options.seconds,
                    first_lap=lap * 100_000,
                )
                load_result, use = put(machine, keys[:tenants], load)
                used = sum(one.cpu_us_per_event for who, one in use.items() if INGEST_API in who)
                yield BenchResult(
                    name=f"growth, {curve} {x:,}",
                    metrics=[
                        Metric("acked", per_second(load_result), "events/s"),
                        Metric("ingest API CPU", used, "µs/event"),
                        Metric("p50", load_result.p50_ms, "ms"),
                        Metric("p99", load_result.p99_ms, "ms"),
                    ],
                    processes=use,
                    detail={"curves": [(curve, x)], "statuses": load_result.statuses},
                )


def _corpus(options: Options, batch_size: int) -> Corpus:
    """An evening in bodies of this size; a shorter one where fewer are posted."""
    few = options.quick or batch_size < 100
    return Corpus(20_000 if few else 50_000, batch_size)


def _streams(options: Options) -> Iterator[BenchResult]:
    """Records of 500 tenants come in batches of a hundred, so that tenants change often."""
    fewer = replace(options, most_stream_events=300_000)  # there are many measurements
    for partitions, workers in SHAPES:
        parts = (KAFKA, CLICKHOUSE, WORKER)
        with running_machine(
            parts=parts, partitions=partitions, workers=workers, say=options.say
        ) as machine:
            name = f"growth, {partitions} partitions a topic, {workers} workers"
            result = store_all(machine, fewer, name=name)
            result.detail["curves"] = _curves(partitions, workers)
            yield _without_bars(result)
    for tenants in TENANTS:
        with running_machine(parts=(KAFKA, CLICKHOUSE, WORKER), say=options.say) as machine:
            result = store_all(
                machine, fewer, name=f"growth, tenants {tenants}, stream", tenants=tenants
            )
            result.detail["curves"] = [("tenants, stream", tenants)]
            yield _without_bars(result)


def _curves(partitions: int, workers: int) -> list[tuple[str, int]]:
    curves = [("partitions", partitions)] if workers == 1 else []
    return [*curves, ("workers", workers)] if partitions > 1 else curves


def _without_bars(result: BenchResult) -> BenchResult:
    """Without bars: promises are made for the plain measurements, not for points of a curve."""
    result.metrics = [replace(metric, bar=None) for metric in result.metrics]
    return result
