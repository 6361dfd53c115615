"""The measurements and their order; runs them and keeps their results."""

from __future__ import annotations

import importlib
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench.options import Options
from bench.results import BenchResult, print_result

MEASUREMENTS: Final[dict[str, tuple[str, str]]] = {
    "door": ("bench.measurements.ingest_api", "measure_api"),
    "stream": ("bench.measurements.stream", "measure_stream"),
    "end-to-end": ("bench.measurements.whole", "measure_whole"),
    "outage": ("bench.measurements.outage", "measure_outage"),
    "ids": ("bench.measurements.ids", "measure_ids"),
    "growth": ("bench.measurements.growth", "measure_growth"),
}


SMOKE: Final = ("door", "stream", "end-to-end")


Keep = Callable[[Sequence[BenchResult], dict[str, Any]], None]


def run_all(
    names: Sequence[str], options: Options, console: Console, *, keep: Keep
) -> list[BenchResult]:
    """Run the measurements *names*, printing each at once; one that fails stops no other.

    After each, *keep* gets all results so far and the machine, so that an interrupted run is not
    lost.
    """
    results: list[BenchResult] = []
    machine = _machine()
    for name in names:
        for result in _run(name, options):
            print_result(result, console, judged=not options.quick)
            results.append(result)
        keep(results, {**machine, "yardstick_after_ms": yardstick_ms()})
    return results


def _run(name: str, options: Options) -> list[BenchResult]:
    module, function = MEASUREMENTS[name]
    measure: Callable[[Options], list[BenchResult]] = getattr(
        importlib.import_module(module), function
    )
    try:
        return measure(options)
    except Exception as error:  # noqa: BLE001 - its reason is printed; the others still run
        return [BenchResult(name=name, failed=f"{type(error).__name__}: {error}")]


def write_json(
    results: Sequence[BenchResult], path: Path, *, machine: dict[str, Any], quick: bool
) -> None:
    """Write *results* and what they were measured on to *path*.

    The file keeps the results of other measurements, each with its own time and machine: some may
    be measured again without the others.
    """
    head = {"measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": machine}
    new = {result.name: {**result.as_json(), **head} for result in results}
    kept = {result["name"]: result for result in _earlier(path, quick=quick)}
    whole = {"quick": quick, **head, "results": list({**kept, **new}.values())}
    path.write_text(json.dumps(whole, indent=2) + "\n")


def _earlier(path: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The results in *path*; none without the file or if it is from another kind of run."""
    if not path.exists():
        return []
    whole = json.loads(path.read_text())
    head = {name: whole[name] for name in ("measured_at", "machine")}
    return [{**head, **result} for result in whole["results"]] if whole["quick"] == quick else []


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "load_averages": os.getloadavg(),
        "yardstick_ms": yardstick_ms(),
    }


def yardstick_ms() -> float:
    """CPU time of a fixed Python program: shows whether the machine or the code is slow."""
    started = time.process_time()
    sum(number * number % 7 for number in range(2_000_000))
    return round(1000 * (time.process_time() - started), 1)
