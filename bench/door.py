"""How fast is the door, HTTP to acknowledged? At full speed, paced, item by item."""

from __future__ import annotations

import time

from bench.beside import door_beside
from bench.corpus import Corpus
from bench.load import Load, put_load
from bench.machine import Machine, running_machine
from bench.options import Options
from bench.plan import Seen
from bench.results import Bar, Figure, Result
from bench.usage import Use, watched
from railhead.stack.settings import DOOR, KAFKA

PARTS = (KAFKA, DOOR)
PACE_EVENTS_PER_SECOND = 20_000


def measure_door(options: Options) -> list[Result]:
    """Measure one door process on a broker; nothing reads the topics."""
    with running_machine(parts=PARTS, say=options.say) as machine:
        keys = machine.keys(["bench"])
        time.sleep(1.0)  # doors look at the tenants file twice a second
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
            door_beside(machine, full_speed, ours),
            _at_pace(machine, keys, paced),
            _one_by_one(machine, keys, alone),
        ]


def put(machine: Machine, keys: list[str], load: Load) -> tuple[Seen, dict[str, Use]]:
    """Put *load* on the machine's doors; what was seen, and what each process used for it."""
    doors = [f"{DOOR}-{number}" for number in range(1, machine.settings.doors + 1)]
    with watched(machine.pids(*doors, KAFKA)) as usage:
        seen = put_load(load, port=machine.settings.http_port, keys=keys, usage=usage)
    return seen, usage.between(seen.started, seen.ended, events=seen.items)


def per_second(seen: Seen) -> float:
    """Acknowledged items a second."""
    return seen.items / (seen.ended - seen.started)


def _full_speed(machine: Machine, keys: list[str], load: Load) -> Result:
    seen, use = put(machine, keys, load)
    return Result(
        name="door, batches of 1,000, full speed",
        figures=[
            Figure(
                name="acked", value=per_second(seen), unit="events/s", bar=Bar(at_least=100_000)
            ),
            Figure(
                name="door CPU",
                value=use["door-1"].cpu_us_per_event,
                unit="µs/event",
                bar=Bar(at_most=8),
            ),
            *_latencies(seen, None),
        ],
        processes=use,
        detail={
            "statuses": seen.statuses,
            "connections": load.connections,
            "mean_item_bytes": round(load.corpus.mean_item_bytes),
        },
    )


def _at_pace(machine: Machine, keys: list[str], load: Load) -> Result:
    seen, use = put(machine, keys, load)
    return Result(
        name="door, batches of 1,000, 20,000 events/s",
        figures=[
            Figure(name="acked", value=per_second(seen), unit="events/s"),
            *_latencies(seen, Bar(at_most=60)),
        ],
        processes=use,
        detail={"statuses": seen.statuses},
    )


def _one_by_one(machine: Machine, keys: list[str], load: Load) -> Result:
    seen, use = put(machine, keys, load)
    return Result(
        name="door, one item a request, 64 connections",
        figures=[
            Figure(
                name="acked", value=per_second(seen), unit="requests/s", bar=Bar(at_least=2_500)
            ),
            *_latencies(seen, None),
        ],
        processes=use,
        detail={"statuses": seen.statuses},
    )


def _latencies(seen: Seen, bar: Bar | None) -> list[Figure]:
    return [
        Figure(name="p50", value=seen.p50_ms, unit="ms"),
        Figure(name="p99", value=seen.p99_ms, unit="ms", bar=bar),
    ]
