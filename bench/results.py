"""The results of a measurement: metrics with their bars, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.load.usage import Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a metric must reach: *at_least* or *at_most*."""

    at_least: float | None = None
    at_most: float | None = None

    def is_met(self, value: float) -> bool:
        """Return whether *value* is good enough."""
        low = self.at_least is None or value >= self.at_least
        return low and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        parts = (("≥", self.at_least), ("≤", self.at_most))
        return " ".join(f"{sign} {shown(value)}" for sign, value in parts if value is not None)


@dataclass(frozen=True, slots=True)
class Metric:
    """One number that was measured, in *unit*; `bar` where the project promises one."""

    name: str
    value: float
    unit: str
    bar: Bar | None = None


@dataclass(slots=True, kw_only=True)
class BenchResult:
    """One measurement: its metrics, what each process used, and details that explain them."""

    name: str
    metrics: list[Metric] = field(default_factory=list)
    processes: Mapping[str, Use] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)
    failed: str | None = None
    skipped: str | None = None

    def metric(self, name: str) -> float | None:
        """The value of the metric *name*; None if it was not measured."""
        return next((one.value for one in self.metrics if one.name == name), None)

    def as_json(self) -> dict[str, Any]:
        """Everything, for a program."""
        whole = asdict(self)
        for metric, own in zip(whole["metrics"], self.metrics, strict=True):
            metric["met"] = None if own.bar is None else own.bar.is_met(own.value)
        return whole


def shown(value: float) -> str:
    """A number for people: thousands separated, no more decimal places than useful."""
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def markdown_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def print_result(result: BenchResult, console: Console, *, judged: bool) -> None:
    """Print *result*; with *judged* the metrics are compared with their bars."""
    console.rule(result.name, align="left")
    if result.failed is not None:
        console.print(f"not measured: {result.failed}", style="red", markup=False)
        return
    if result.skipped is not None:
        console.print(f"skipped: {result.skipped}", style="yellow", markup=False)
        return
    console.print(_metrics(result, judged=judged))
    if result.processes:
        console.print(_processes(result))


def _metrics(result: BenchResult, *, judged: bool) -> Table:
    table = Table("metric", "", "unit", "bar", "", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for metric in result.metrics:
        bar, state = "", ""
        if metric.bar is not None:
            bar = str(metric.bar)
            state = "" if not judged else "met" if metric.bar.is_met(metric.value) else "MISSED"
        table.add_row(metric.name, shown(metric.value), metric.unit, bar, state)
    return table


def _processes(result: BenchResult) -> Table:
    table = Table("process", "CPU µs/event", "cores", "peak MiB", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, use in sorted(result.processes.items()):
        cells = (use.cpu_us_per_event, use.cpu_share, use.peak_mib)
        table.add_row(name, *(shown(cell) for cell in cells))
    return table
