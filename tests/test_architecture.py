"""Imports go one way, between the packages and inside of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents.tables import PACKAGES

ROOT = Path(__file__).parents[1]

ALLOWED: dict[str, set[str]] = {
    "failpoints": set(),
    "events": set(),
    "tenants": {"events"},
    "ingest_http": {"events", "tenants", "failpoints"},
    "sinks": {"events", "failpoints"},
    "streams": {"events", "tenants", "sinks", "failpoints"},
    # Useful on its own: an HTTP server for any embedded ClickHouse.
    "engine_http": set(),
    "railhead": {"events", "tenants", "ingest_http", "sinks", "streams", "engine_http"},
    "demo": {"events", "tenants", "sinks", "railhead"},
    "bench": {"events", "tenants", "ingest_http", "streams", "railhead", "demo"},
}
# What a folder may import of its own package, where there is a clear direction.
INSIDE: dict[str, set[str]] = {
    "events/contract/examples": {"events/contract"},
    "events/contract": {"events/values"},
    "ingest_http/publish": set(),
    "ingest_http/body": {"ingest_http"},
    "ingest_http/http": {"ingest_http"},
    "streams/pacing": set(),
    "streams/faust": {"streams", "streams/fetch"},
    "streams/dedup": {"streams/faust"},
    "streams/recovery": {"streams", "streams/fetch"},
    "streams/judge": {"streams", "streams/dedup", "streams/fetch", "streams/recovery"},
    "streams/partition": {
        "streams",
        "streams/dedup",
        "streams/faust",
        "streams/fetch",
        "streams/judge",
        "streams/pacing",
        "streams/recovery",
    },
    "railhead/kafka": set(),
    "railhead/send": set(),
    "railhead/stack": {"railhead", "railhead/kafka", "railhead/stack/supervision"},
    "railhead/stack/supervision": {"railhead/stack"},
    "railhead/dead_letters": set(),
    "railhead/dead_letters/replay": {"railhead/dead_letters", "railhead/send"},
    "railhead/audit": {
        "railhead",
        "railhead/audit/records",
        "railhead/dead_letters",
        "railhead/kafka",
    },
    "railhead/audit/records": {"railhead/audit", "railhead/kafka"},
    "railhead/doctor": {"railhead", "railhead/doctor/parts", "railhead/kafka", "railhead/stack"},
    "railhead/doctor/parts": {
        "railhead",
        "railhead/doctor",
        "railhead/kafka",
        "railhead/stack",
        "railhead/stack/supervision",
    },
    "demo/traffic": set(),
}


def imported(path: Path) -> Iterator[str]:
    """Modules that a file imports, also inside functions; `from a import b` is `a` and `a.b`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def folder_of(module: str) -> str | None:
    """The folder of *module* in this tree; None for anything else."""
    path = ROOT / module.replace(".", "/")
    if path.with_suffix(".py").is_file():
        return path.parent.relative_to(ROOT).as_posix()
    return path.relative_to(ROOT).as_posix() if (path / "__init__.py").is_file() else None


def test_every_package_has_its_rule() -> None:
    """A new package is given its place before it is used."""
    assert set(ALLOWED) == set(PACKAGES)
    assert set(ALLOWED) == {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    """Data flows from the contract to the rows; imports go the other way only."""
    wrong = {
        (str(path.relative_to(ROOT)), name)
        for path in (ROOT / package).rglob("*.py")
        for name in (module.split(".")[0] for module in imported(path))
        if name in {*ALLOWED, "tests"} - ALLOWED[package] - {package}
    }

    assert not wrong


def test_the_arrows_make_no_circle() -> None:
    """Each package can be read after those that it imports."""
    left = dict(ALLOWED)
    while left:
        free = [name for name, needs in left.items() if not needs & left.keys()]
        assert free, left
        for name in free:
            del left[name]


@pytest.mark.parametrize("folder", INSIDE)
def test_a_folder_imports_only_what_lies_before_it(folder: str) -> None:
    """The same rule inside of a package, for the folders that have a direction."""
    package = folder.partition("/")[0]
    wrong = {
        (path.name, other)
        for path in (ROOT / folder).glob("*.py")
        for module in imported(path)
        if (other := folder_of(module)) is not None
        and other.partition("/")[0] == package
        and other not in INSIDE[folder] | {folder}
        # `from streams import alarms` names the package, too.
        and module != package
    }

    assert not wrong


def test_consumers_are_made_in_one_place() -> None:
    """A consumer made elsewhere may lack the bound on what a record batch opens to."""
    makers = {
        path.relative_to(ROOT).as_posix()
        for package in ALLOWED
        for path in (ROOT / package).rglob("*.py")
        if "AIOKafkaConsumer(" in path.read_text()
    }

    # Faust's thread, whose consumer is made behind the same seam.
    assert makers == {"streams/fetch/consumers.py"}
    assert "install()" in (ROOT / "streams" / "faust" / "consumer_thread.py").read_text()


def test_the_commands_of_demo_and_bench_are_found_by_name() -> None:
    """`railhead` lists them and imports neither."""
    commands = (ROOT / "railhead" / "cli" / "main.py").read_text()

    assert '"demo.command"' in commands
    assert '"bench.command"' in commands


def test_no_package_is_a_drawer() -> None:
    """A name says what is in a file; nothing is called common, core or utils."""
    names = {path.stem for package in ALLOWED for path in (ROOT / package).rglob("*.py")}
    names |= {path.name for package in ALLOWED for path in (ROOT / package).rglob("*/")}

    assert not names & {"common", "core", "util", "utils", "helpers", "misc"}
