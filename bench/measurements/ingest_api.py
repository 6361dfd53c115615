"""Measures the ingest API from HTTP to acknowledged: at full speed, paced, item by item."""

from __future__ import annotations

from bench.load.corpus import Corpus
from bench.load.load import Load, put_load
from bench.load.plan import LoadResult
from bench.load.usage import Use, watched
from bench.machine import Machine, running_machine
from bench.measurements.beside import api_beside
from bench.options import Options
from bench.results import Bar, BenchResult, Metric
from railhead.stack.settings import INGEST_API, KAFKA

PARTS = (KAFKA, INGEST_API)
PACE_EVENTS_PER_SECOND = 20_000


def measure_api(options: Options) -> list[BenchResult]:
    """Measure one ingest API process on a broker; nothing reads the topics."""
    with running_machine(parts=PARTS, say=options.say) as machine:
        keys = machine.keys(["bench"])
        batches = Corpus(options.evening_items, 1_000)
        singles = Corpus(options.pick(quick=2_000, full=20_000), 1)
        full_speed = Load(corpus=batches, connections=8, seconds=options.seconds)
        paced = Load(
            corpus=batches,
            connections=32,
            seconds=options.seconds,
            events_per_second=PACE_EVENTS_PER_SECOND,
            first_lap=100_000,
        )
        alone = Load(corpus=singles, connections=64, seconds=options.seconds, first_lap=200_000)
        ours = _full_speed(machine, keys, full_speed)
        return [
            ours,
            api_beside(machine, full_speed, ours),
            _at_pace(machine, keys, paced),
            _one_by_one(machine, keys, alone),
        ]


def put(machine: Machine, keys: list[str], load: Load) -> tuple[LoadResult, dict[str, Use]]:
    """Put *load* on the machine's ingest API; return the result and what each process used."""
    apis = [f"{INGEST_API}-{number}" for number in range(1, machine.settings.apis + 1)]
    with watched(machine.pids(*apis, KAFKA)) as usage:
        load_result = put_load(load, port=machine.settings.http_port, keys=keys, usage=usage)
    return load_result, usage.between(
        load_result.started, load_result.ended, events=load_result.items
    )


def per_second(load_result: LoadResult) -> float:
    """Acknowledged items a second."""
    return load_result.items / (load_result.ended - load_result.started)


def _full_speed(machine: Machine, keys: list[str], load: Load) -> BenchResult:
    load_result, use = put(machine, keys, load)
    return BenchResult(
        name="ingest API, batches of 1,000, full speed",
        metrics=[
            Metric("acked", per_second(load_result), "events/s", Bar(at_least=100_000)),
            Metric("ingest API CPU", use["door-1"].cpu_us_per_event, "µs/event", Bar(at_most=8)),
            *_latencies(load_result, None),
        ],
        processes=use,
        detail={
            "statuses": load_result.statuses,
            "connections": load.connections,
            "mean_item_bytes": round(load.corpus.mean_item_bytes),
        },
    )


def _at_pace(machine: Machine, keys: list[str], load: Load) -> BenchResult:
    load_result, use = put(machine, keys, load)
    return BenchResult(
        name="ingest API, batches of 1,000, 20,000 events/s",
        metrics=[
            Metric("acked", per_second(load_result), "events/s"),
            *_latencies(load_result, Bar(at_most=60)),
        ],
        processes=use,
        detail={"statuses": load_result.statuses},
    )


def _one_by_one(machine: Machine, keys: list[str], load: Load) -> BenchResult:
    load_result, use = put(machine, keys, load)
    return BenchResult(
        name="ingest API, one item a request, 64 connections",
        metrics=[
            Metric("acked", per_second(load_result), "requests/s", Bar(at_least=2_500)),
            *_latencies(load_result, None),
        ],
        processes=use,
        detail={"statuses": load_result.statuses},
    )


def _latencies(load_result: LoadResult, bar: Bar | None) -> list[Metric]:
    return [
        Metric("p50", load_result.p50_ms, "ms"),
        Metric("p99", load_result.p99_ms, "ms", bar),
    ]
