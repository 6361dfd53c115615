"""What does it cost to remember ids? Memory and time by their number; a restart; a rebalance."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

from bench.options import Options
from bench.rebalance import measure_rebalance
from bench.restart import measure_restart
from bench.results import Bar, Figure, Result

MILLION: Final = 1_000_000
NUMBERS: Final = (0, MILLION, 10 * MILLION, 50 * MILLION)


def measure_ids(options: Options) -> list[Result]:
    """Measure the memory of ids alone, then a worker that has to read it again."""
    numbers = (0, MILLION // 10) if options.quick else NUMBERS
    results: list[Result] = []
    for number in numbers:
        options.say(f"remembering {number:,} ids")
        results.append(_memory(number, results[0] if results else None))
    return [*results, *measure_restart(options), *measure_rebalance(options)]


def _memory(number: int, with_none: Result | None) -> Result:
    """Measured in a process of its own, so that its resident bytes are the ids'."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.remember", str(number)],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    seen = json.loads(done.stdout)
    figures = [Figure(name="decide and add", value=seen["us_per_event"], unit="µs/event")]
    if number:
        each = seen["resident_bytes"] / number
        bar = Bar(at_most=48) if number >= MILLION else None
        figures.append(Figure(name="resident", value=each, unit="bytes/id", bar=bar))
        figures.append(
            Figure(
                name="longest slice", value=seen["longest_slice_ms"], unit="ms a slice of 10,000"
            )
        )
    before = with_none.figure("decide and add") if with_none else None
    if before is not None:
        more = seen["us_per_event"] - before
        figures.append(Figure(name="more than with none", value=more, unit="µs/event"))
    return Result(
        name=f"memory of ids, {number:,} remembered",
        figures=figures,
        detail={**seen, "curves": [("ids", number)]},
    )
