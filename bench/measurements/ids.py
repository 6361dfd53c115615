"""Measures the dedup index: memory and time by number of ids; a restart; a rebalance."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

from bench.measurements.rebalance import measure_rebalance
from bench.measurements.restart import measure_restart
from bench.options import Options
from bench.results import Bar, BenchResult, Metric

MILLION: Final = 1_000_000
NUMBERS: Final = (0, MILLION, 10 * MILLION, 50 * MILLION)


def measure_ids(options: Options) -> list[BenchResult]:
    """Measure the dedup index alone, then a worker that has to read it again."""
    numbers = (0, MILLION // 10) if options.quick else NUMBERS
    results: list[BenchResult] = []
    for number in numbers:
        options.say(f"remembering {number:,} ids")
        results.append(_memory(number, results[0] if results else None))
    return [*results, *measure_restart(options), *measure_rebalance(options)]


def _memory(number: int, with_none: BenchResult | None) -> BenchResult:
    """Measure in a process of its own, so that its resident bytes are those of the ids."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.measurements.remember", str(number)],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    load_result = json.loads(done.stdout)
    metrics = [Metric("decide and add", load_result["us_per_event"], "µs/event")]
    if number:
        each = load_result["resident_bytes"] / number
        bar = Bar(at_most=48) if number >= MILLION else None
        metrics.append(Metric("resident", each, "bytes/id", bar))
        metrics.append(
            Metric("longest batch", load_result["longest_batch_ms"], "ms a batch of 10,000")
        )
    before = with_none.metric("decide and add") if with_none else None
    if before is not None:
        more = load_result["us_per_event"] - before
        metrics.append(Metric("more than with none", more, "µs/event"))
    return BenchResult(
        name=f"dedup index, {number:,} ids",
        metrics=metrics,
        detail={**load_result, "curves": [("ids", number)]},
    )
