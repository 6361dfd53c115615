"""Documents and pictures show what was measured: tables between markers, curves from the JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench.measurements.rebalance import longest_silence
from bench.plots import PLOTS, pictures
from bench.report import fill
from bench.results import Bar, BenchResult, Metric
from bench.svg import Picture, draw, round_up

DOCS = Path(__file__).parents[2] / "docs"
METRICS = DOCS / "performance.json"
NAMESPACE = {"svg": "http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("name", ["performance.md", "scale.md"])
def test_tables_of_the_documents_are_made_from_the_results(name: str) -> None:
    """No number of a table is typed by hand: `railhead bench --report` makes them all."""
    text = (DOCS / name).read_text()

    assert "<!-- bench:" in text
    assert fill(text, json.loads(METRICS.read_text())) == text


def test_pictures_in_the_documents_are_made_from_the_results() -> None:
    """`railhead bench --plot` draws the same ones; each is shown in the document."""
    drawn = dict(pictures(json.loads(METRICS.read_text())))
    text = (DOCS / "performance.md").read_text()

    assert {name: (DOCS / name).read_text() for name in drawn} == drawn
    assert all(f"({name})" in text for name in drawn)


def test_a_curve_has_a_point_for_each_result_on_it() -> None:
    """A result may be on several curves; results that name none are on none."""
    plot = PLOTS[0]
    names: tuple[dict[str, Any], ...] = (
        {"curves": [(plot.curve, 1), ("another", 7)]},
        {"curves": [(plot.curve, 2)]},
        {},
    )
    whole = {
        "results": [_result(plot.metric, 100.0 * at, detail) for at, detail in enumerate(names)]
    }

    ((name, text),) = pictures(whole)

    assert name == plot.file
    assert len(_tree(text).findall(".//svg:circle", NAMESPACE)) == 2


def test_a_picture_is_well_formed_and_shows_its_values() -> None:
    """Names are escaped, values are shown beside their points."""
    root = _tree(draw(Picture("a < b", "x & y", "events/s", [("1", 1200.0), ("2", 7.5)])))

    words = [element.text for element in root.findall(".//svg:text", NAMESPACE)]
    assert {"a < b (events/s)", "x & y", "1,200", "7.50"} <= set(words)


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.7, 0.8), (97, 100), (101, 120), (3500, 4000)]
)
def test_the_y_axis_ends_at_a_round_number(value: float, top: float) -> None:
    """It is at or above the largest value."""
    assert round_up(value) == pytest.approx(top)


def test_a_table_shows_what_was_missed_and_what_was_not_measured() -> None:
    """A metric that misses its bar is marked; a baseline that was left out says why."""
    slow = BenchResult(name="ingest API", metrics=[Metric("acked", 7.0, "s", Bar(at_least=9))])
    out = BenchResult(name="baseline", skipped="no Python")
    whole = {"results": [slow.as_json(), out.as_json()]}

    text = fill("<!-- bench:metrics -->\n<!-- /bench -->", whole)

    assert "| ingest API | acked | 7 | s | ≥ 9 | **missed** |" in text
    assert "no Python" in text


def test_silence_is_the_longest_time_without_a_row_of_one_partition() -> None:
    """Other partitions may go on; what never had rows before does not count."""
    busy = [("a", 0, at / 10) for at in range(200)]
    halting = [("a", 1, at) for at in (1.0, 9.0, 10.0, 16.0, 19.0)]
    new = [("b", 0, 18.0)]

    assert longest_silence([*busy, *halting, *new], 10.0, 20.0) == pytest.approx(6.0)


def _result(metric: str, value: float, detail: dict[str, Any]) -> dict[str, Any]:
    return BenchResult(name="x", metrics=[Metric(metric, value, "s")], detail=detail).as_json()


def _tree(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - drawn here
