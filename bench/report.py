"""Makes the documents' tables of results from the JSON file.

A document contains `<!-- bench:NAME -->` and `<!-- /bench -->`; what is between them is made here,
so that no number of a table is typed by hand. A test compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from bench.results import Bar, markdown_table, shown
from bench.scale import scale_tables

Whole = dict[str, Any]
_SECTION: Final = re.compile(r"(<!-- bench:([a-z-]+) -->\n).*?(<!-- /bench -->)", re.DOTALL)


def write_report(file: Path) -> list[Path]:
    """Fill the marked sections of the documents beside *file*; return those that have any."""
    whole = json.loads(file.read_text())
    written = []
    for document in sorted(file.parent.glob("*.md")):
        text = document.read_text()
        if _SECTION.search(text):
            document.write_text(fill(text, whole))
            written.append(document)
    return written


def fill(text: str, whole: Whole) -> str:
    """*text* with its marked sections made from *whole*.

    Raises:
        KeyError: a marker names no table.
    """

    def made(found: re.Match[str]) -> str:
        return f"{found[1]}\n{SECTIONS[found[2]](whole)}\n\n{found[3]}"

    return _SECTION.sub(made, text)


def machine_table(whole: Whole) -> str:
    """The machine it was measured on, and how busy that was."""
    machine = whole["machine"]
    runs: dict[str, list[Whole]] = {}
    for result in whole["results"]:
        runs.setdefault(result["measured_at"], []).append(result)
    rows = [
        (when, _names(results), *_state(results[0]["machine"])) for when, results in runs.items()
    ]
    head = ("written", "measurements", "load average at start", "yardstick before and after, ms")
    what = f"{machine['cores']} cores, {machine['system']}, Python {machine['python']}."
    return f"{what}\n\n{markdown_table(head, rows)}"


def _names(results: list[Whole]) -> str:
    first, last = results[0]["name"], results[-1]["name"]
    return str(first) if len(results) == 1 else f"{first} … {last}"


def _state(machine: Whole) -> tuple[str, str]:
    yardsticks = f"{machine['yardstick_ms']:.0f}, {machine['yardstick_after_ms']:.0f}"
    return f"{machine['load_averages'][0]:.1f}", yardsticks


def metrics_table(whole: Whole) -> str:
    """Every metric outside the growth curves, with its bar."""
    head = ("measurement", "metric", "value", "unit", "bar", "")
    return markdown_table(head, _metric_rows(_plain(whole)))


def growth_table(whole: Whole) -> str:
    """The points of the growth curves."""
    results = [result for result in whole["results"] if _is_growth(result)]
    return markdown_table(
        ("point", "metric", "value", "unit"), (row[:4] for row in _metric_rows(results))
    )


def process_table(whole: Whole) -> str:
    """What each process used in each measurement."""
    rows = [
        (result["name"], who, *(shown(use[key]) for key in _USE))
        for result in _plain(whole)
        for who, use in sorted(result["processes"].items())
    ]
    return markdown_table(("measurement", "process", "CPU µs/event", "cores", "peak MiB"), rows)


def missed_list(whole: Whole) -> str:
    """The metrics that did not reach their bar."""
    lines = [
        f"- {result['name']}: {metric['name']} {shown(metric['value'])} {metric['unit']}, "
        f"promised {_bar(metric['bar'])}"
        for result in whole["results"]
        for metric in result["metrics"]
        if metric["met"] is False
    ]
    return "\n".join(lines) or "None: every bar was met."


_USE: Final = ("cpu_us_per_event", "cpu_share", "peak_mib")


def _is_growth(result: Whole) -> bool:
    return str(result["name"]).startswith("growth")


def _plain(whole: Whole) -> list[Whole]:
    return [result for result in whole["results"] if not _is_growth(result)]


def _metric_rows(results: list[Whole]) -> Iterator[tuple[str, ...]]:
    for result in results:
        why = result["failed"] or result["skipped"]
        if why:
            yield result["name"], "not measured", "", "", "", " ".join(str(why).split())[:200]
        for metric in result["metrics"]:
            state = {True: "met", False: "**missed**", None: ""}[metric["met"]]
            value, unit = shown(metric["value"]), metric["unit"]
            yield result["name"], metric["name"], value, unit, _bar(metric["bar"]), state


def _bar(bar: dict[str, float] | None) -> str:
    return "" if bar is None else str(Bar(**bar))


SECTIONS: Final[dict[str, Callable[[Whole], str]]] = {
    "machine": machine_table,
    "metrics": metrics_table,
    "growth": growth_table,
    "processes": process_table,
    "missed": missed_list,
    "scale": scale_tables,
}
