"""The plots that are drawn from a results file: one row of data each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.svg import Picture, draw


@dataclass(frozen=True, slots=True)
class Plot:
    """One picture: *metric* of the results on *curve*, by their position on it."""

    file: str
    title: str
    across: str
    curve: str
    metric: str


UNITS: Final = {
    "acked": "events/s acked",
    "stored": "events/s stored",
    "ingest API CPU": "CPU µs an event",
    "decide and add": "CPU µs an event",
}
PLOTS: Final = (
    Plot("growth-apis.svg", "Ingest API, batches of 1,000", "processes", "ingest APIs", "acked"),
    Plot(
        "growth-batches.svg", "Ingest API by batch size", "items a request", "batch size", "acked"
    ),
    Plot(
        "growth-batches-cpu.svg",
        "Cost of the ingest API by batch size",
        "items a request",
        "batch size",
        "ingest API CPU",
    ),
    Plot(
        "growth-tenants-api.svg",
        "Ingest API by number of tenants",
        "tenants",
        "tenants, ingest API",
        "acked",
    ),
    Plot(
        "growth-partitions.svg",
        "One worker by partitions",
        "partitions a topic",
        "partitions",
        "stored",
    ),
    Plot("growth-workers.svg", "Four partitions by workers", "workers", "workers", "stored"),
    Plot(
        "growth-tenants-stream.svg", "One worker by tenants", "tenants", "tenants, stream", "stored"
    ),
    Plot(
        "growth-ids.svg",
        "Deciding by remembered ids",
        "remembered ids, one partition",
        "ids",
        "decide and add",
    ),
)


def plot_all(file: Path, out: Path) -> list[Path]:
    """Draw what *file* (written by `--json`) has results for; return the files written."""
    return [_write(out / name, text) for name, text in pictures(json.loads(file.read_text()))]


def pictures(whole: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """File name and SVG of each plot that *whole* has at least two points of."""
    for plot in PLOTS:
        points = [point for result in whole["results"] for point in _points(result, plot)]
        if len(points) > 1:
            yield plot.file, draw(Picture(plot.title, plot.across, UNITS[plot.metric], points))


def _points(result: dict[str, Any], plot: Plot) -> Iterator[tuple[str, float]]:
    """The points of *result* on the plot's curve; it may be on several curves."""
    for curve, x in result["detail"].get("curves", ()):
        for metric in result["metrics"]:
            if curve == plot.curve and metric["name"] == plot.metric:
                yield f"{x:,}", metric["value"]


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
