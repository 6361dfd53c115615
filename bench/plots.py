"""Which curves are drawn from a file of figures, and into which files? Rows of data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.svg import Picture, draw


@dataclass(frozen=True, slots=True)
class Plot:
    """One picture: the results of *curve* by their place, and which of their figures."""

    file: str
    title: str
    across: str
    curve: str
    metric: str
    unit: str


PLOTS: Final = (
    Plot("growth-doors.svg", "Door, batches of 1,000", "doors", "doors", "acked", "events/s acked"),
    Plot(
        "growth-batches.svg",
        "Door by batch size",
        "items a request",
        "batch size",
        "acked",
        "events/s acked",
    ),
    Plot(
        "growth-batches-cpu.svg",
        "Cost at the door by batch size",
        "items a request",
        "batch size",
        "door CPU",
        "CPU µs an event",
    ),
    Plot(
        "growth-tenants-door.svg",
        "Door by number of tenants",
        "tenants",
        "tenants, door",
        "acked",
        "events/s acked",
    ),
    Plot(
        "growth-partitions.svg",
        "One worker by partitions",
        "partitions a topic",
        "partitions",
        "stored",
        "events/s stored",
    ),
    Plot(
        "growth-workers.svg",
        "Four partitions by workers",
        "workers",
        "workers",
        "stored",
        "events/s stored",
    ),
    Plot(
        "growth-tenants-stream.svg",
        "One worker by tenants",
        "tenants",
        "tenants, stream",
        "stored",
        "events/s stored",
    ),
    Plot(
        "growth-ids.svg",
        "Deciding by remembered ids",
        "remembered ids, one partition",
        "ids",
        "decide and add",
        "CPU µs an event",
    ),
)


def plot_all(file: Path, out: Path) -> list[Path]:
    """Draw what *file* (written by `--json`) has figures for; the files written."""
    return [_write(out / name, text) for name, text in pictures(json.loads(file.read_text()))]


def pictures(whole: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """File name and SVG of each plot that *whole* has at least two points of."""
    for plot in PLOTS:
        points = [point for result in whole["results"] for point in _points(result, plot)]
        if len(points) > 1:
            yield plot.file, draw(Picture(plot.title, plot.across, plot.unit, points))


def _points(result: dict[str, Any], plot: Plot) -> Iterator[tuple[str, float]]:
    """Where *result* stands on the plot's curve; it may be a point of several curves."""
    for curve, place in result["detail"].get("curves", ()):
        for metric in result["metrics"]:
            if curve == plot.curve and metric["name"] == plot.metric:
                yield f"{place:,}", metric["value"]


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
