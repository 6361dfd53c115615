"""Measures how fast a worker stores what is in the topics, from the first ledger row to the last.

The records are there before the worker is started, so neither the ingest API nor the start is
measured. The ledger says when each offset range was finished, by the engine's clock. The measured
time begins with its first row, whose records do not count: the work on them was done before.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

from bench.load.corpus import Corpus
from bench.load.preload import preload
from bench.load.usage import Usage, watched
from bench.machine import Machine, running_machine
from bench.measurements.beside import stream_beside
from bench.options import Options
from bench.results import Bar, BenchResult, Metric
from events.contract.registry import REJECTED_TOPIC
from railhead.stack.settings import CLICKHOUSE, KAFKA, WORKER

PARTS: Final = (KAFKA, CLICKHOUSE, WORKER)
LOOK_EVERY_SECONDS: Final = 0.5
STUCK_SECONDS: Final = 60.0

# The ledger of the dead-letter topic counts its records as stored; here they are the rejected ones.
LEDGER: Final = f"""
SELECT last - first + 1, toUnixTimestamp64Milli(written_at) / 1000,
       if(topic = '{REJECTED_TOPIC}', 0, stored), duplicates, conflicts,
       if(topic = '{REJECTED_TOPIC}', stored, rejected)
FROM fasttrack_store.ledger FINAL ORDER BY written_at, topic, partition, first
"""  # noqa: S608 - a constant


class StuckError(Exception):
    """The worker has stopped storing although records are left."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A summary of the ledger: when offset ranges were finished, and their records' outcomes."""

    moments: list[float]
    records: list[int]
    stored: int
    duplicates: int
    conflicts: int
    rejected: int

    def after(self, moment: float) -> Progress:
        """The same with only the ranges that were finished after *moment*; all, if few were."""
        at = bisect_right(self.moments, moment)
        if len(self.moments) - at < 2:
            return self
        return replace(self, moments=self.moments[at:], records=self.records[at:])

    @property
    def finished(self) -> int:
        """Records with an outcome."""
        return sum(self.records)

    @property
    def started(self) -> float:
        """When the first range was finished, in seconds since 1970."""
        return self.moments[0]

    @property
    def ended(self) -> float:
        """When the last range was finished."""
        return self.moments[-1]

    @property
    def measured(self) -> int:
        """Records finished after `started`."""
        return self.finished - self.records[0]

    @property
    def per_second(self) -> float:
        """Records a second between the two."""
        return self.measured / max(self.ended - self.started, 1e-3)


def progress(machine: Machine, *, since: float = 0.0) -> Progress:
    """Read the ledger's ranges finished after *since*."""
    rows = [row for row in machine.rows(LEDGER) if row[1] > since]
    sums: list[Any] = [sum(row[column] for row in rows) for column in (2, 3, 4, 5)]
    return Progress([row[1] for row in rows], [row[0] for row in rows], *sums)


def await_records(machine: Machine, records: int, *, since: float = 0.0) -> Progress:
    """Return when the ledger covers *records* records.

    Raises:
        StuckError: it has not moved for a minute.
    """
    query = (
        "SELECT sum(last - first + 1) FROM fasttrack_store.ledger "  # noqa: S608 - a number
        f"WHERE written_at > fromUnixTimestamp64Milli({int(since * 1000)})"
    )
    finished, moved = -1, time.monotonic()
    while True:
        now = int(machine.rows(query)[0][0] or 0)
        if now >= records:
            return progress(machine, since=since)
        if now != finished:
            finished, moved = now, time.monotonic()
        elif time.monotonic() - moved > STUCK_SECONDS:
            raise StuckError(f"{finished:,} of {records:,} records stored and no more come")
        time.sleep(LOOK_EVERY_SECONDS)


def measure_stream(options: Options) -> list[BenchResult]:
    """Measure one worker on topics of one partition, as `railhead up` makes them."""
    with running_machine(parts=PARTS, say=options.say) as machine:
        ours = store_all(machine, options, name="stream, one worker, one partition a topic")
        machine.stack.halt(f"{WORKER}-1")
        return [ours, *stream_beside(machine, options, ours)]


def store_all(
    machine: Machine, options: Options, *, name: str, tenants: int = 1, first_lap: int = 1
) -> BenchResult:
    """Preload `options.stream_events` records with halted workers, then let them store these."""
    since = time.time()
    workers = [f"{WORKER}-{number}" for number in range(1, machine.settings.workers + 1)]
    for worker in workers:
        machine.stack.halt(worker)
    corpus = Corpus(options.evening_items, 1_000)
    names = [f"bench-{number}" for number in range(tenants)]
    options.say(f"preloading {options.stream_events:,} records")
    records = preload(
        machine.settings.kafka_bootstrap,
        corpus,
        items=options.stream_events,
        tenants=names,
        first_lap=first_lap,
    )
    options.say("storing them")
    with watched(machine.pids(KAFKA, CLICKHOUSE)) as usage:
        with ThreadPoolExecutor(len(workers)) as pool:
            list(pool.map(machine.stack.resume, workers))
        for worker, pid in machine.pids(*workers).items():
            usage.add(worker, pid)
        all_up = time.time()
        done = await_records(machine, records, since=since)
    # Until all are there, the first works alone and then hands over partitions.
    measured = done.after(all_up) if len(workers) > 1 else done
    result = _result(name, measured, usage, corpus)
    result.detail |= {"records": records, "accounted": _accounted(done, records, corpus, tenants)}
    return result


def _accounted(done: Progress, records: int, corpus: Corpus, tenants: int) -> bool:
    """Whether the outcomes are those the corpus expects; repeats are within a tenant."""
    outcomes = (done.stored, done.duplicates, done.conflicts, done.rejected)
    names = ("stored", "repeat", "conflict", "rejected")
    foreseen = tuple(records // corpus.items * corpus.tally.total(name) for name in names)
    return sum(outcomes) == records and (tenants > 1 or outcomes == foreseen)


def _result(name: str, done: Progress, usage: Usage, corpus: Corpus) -> BenchResult:
    use = usage.between(done.started, done.ended, events=done.measured)
    return BenchResult(
        name=name,
        metrics=[
            Metric("stored", done.per_second, "events/s", Bar(at_least=100_000)),
            Metric(
                "worker CPU",
                sum(one.cpu_us_per_event for who, one in use.items() if WORKER in who),
                "µs/event",
                Bar(at_most=7),
            ),
        ],
        processes=use,
        detail={
            "seconds": round(done.ended - done.started, 3),
            "ranges": len(done.records),
            "stored": done.stored,
            "duplicates": done.duplicates,
            "rejected": done.rejected,
            "mean_item_bytes": round(corpus.mean_item_bytes),
        },
    )
