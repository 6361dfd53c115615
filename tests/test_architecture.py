"""Arrows go one way: which package may import which."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ALLOWED: dict[str, set[str]] = {
    "failpoints": set(),
    "events": set(),
    "ingest_http": {"events", "failpoints"},
    "sinks": {"events", "failpoints"},
    "streams": {"events", "sinks", "failpoints"},
    "railhead": {"events", "ingest_http", "sinks", "streams", "failpoints", "bench"},
}
OURS = set(ALLOWED) | {"bench", "tests"}


def imported(path: Path) -> Iterator[str]:
    """Top-level names of what a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_lies_before_it(package: str) -> None:
    """Data moves from the contract to the rows; imports go the other way and never back."""
    wrong = {
        (str(path.relative_to(ROOT)), name)
        for path in (ROOT / package).rglob("*.py")
        for name in imported(path)
        if name in OURS - ALLOWED[package] - {package}
    }

    assert not wrong


def test_consumers_are_made_in_one_place() -> None:
    """Whoever makes one elsewhere may forget what bounds all that a record batch opens to."""
    makers = {
        path.relative_to(ROOT).as_posix()
        for package in (*ALLOWED, "bench")
        for path in (ROOT / package).rglob("*.py")
        if "AIOKafkaConsumer(" in path.read_text()
    }

    # Faust's thread, whose consumer is made behind the same seam.
    assert makers == {"streams/consumers.py"}
    assert "install()" in (ROOT / "streams" / "transport.py").read_text()


def test_only_the_bench_command_knows_the_bench() -> None:
    """Measuring is not part of the product's way."""
    users = {
        path.relative_to(ROOT / "railhead").as_posix()
        for path in (ROOT / "railhead").rglob("*.py")
        if "bench" in imported(path)
    }

    assert users <= {"commands/bench.py"}


def test_no_package_is_a_drawer() -> None:
    """A file's name says its question; nothing is called common, core or utils."""
    names = {path.stem for package in ALLOWED for path in (ROOT / package).rglob("*.py")}
    names |= {path.name for package in ALLOWED for path in (ROOT / package).rglob("*/")}

    assert not names & {"common", "core", "util", "utils", "helpers", "misc"}
