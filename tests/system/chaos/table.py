"""The result of a run as a table for people, with the same numbers each time."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterator

from tests.system.chaos.checker import FINDINGS
from tests.system.chaos.run import RunOptions, RunResult


def lines(options: RunOptions, outcome: RunResult) -> Iterator[str]:
    """The table, line by line."""
    checked = outcome.check_result.checked
    yield f"seed {options.seed}, {options.apis} ingest APIs, {options.workers} workers, {machine()}"
    yield ""
    for name, value in (
        ("events acknowledged", f"{outcome.events:,}"),
        ("records in the topics", f"{outcome.records:,}"),
        (
            "harmed for",
            f"{outcome.harm_seconds:.0f} s, then drained in {outcome.drain_seconds:.0f} s",
        ),
        ("process deaths", f"{outcome.deaths.total()} ({counted(outcome.deaths)})"),
        ("faults", f"{outcome.faults.total()} ({counted(outcome.faults)})"),
        ("answers to attempts", counted(outcome.attempts)),
        ("outcomes", counted(outcome.sums)),
        ("checked", counted(checked)),
    ):
        yield f"  {name:<24}{value}"
    yield ""
    for finding in FINDINGS:
        yield f"  {finding:<24}{outcome.check_result.found[finding]}"
    for finding, examples in outcome.check_result.examples.items():
        for example in examples:
            yield f"    {finding}: {example}"
    yield ""
    yield f"  {'every promise kept' if outcome.is_clean else 'PROMISE BROKEN'}"


def counted(counts: Counter[str]) -> str:
    """Counts as words, largest first."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common())


def machine() -> str:
    """Cores, system, Python."""
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
