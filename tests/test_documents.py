"""What ARCHITECTURE.md claims is proved by tests that exist."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from failpoints import POINTS
from failpoints.write_order import WRITE_ORDER, WriteStep
from streams.partition.durable_writes import DurableWrites

ROOT = Path(__file__).parents[1]


def test_every_test_that_a_document_names_exists() -> None:
    """A claim without a test proves nothing."""
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    texts = "\n".join(path.read_text() for path in documents)
    named = set(re.findall(r"`(test_\w+)`", texts))
    files = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))

    missing = {name for name in named if f"def {name}(" not in files}

    assert named
    assert not missing


def test_every_file_that_the_architecture_names_exists() -> None:
    """A file that moved takes its mention with it."""
    documents = ("ARCHITECTURE.md", "DECISIONS.md", "CONTRIBUTING.md", "docs/pitfalls.md")
    text = "".join((ROOT / name).read_text() for name in documents)
    named = set(re.findall(r"`((?:[a-z_]+/)+[\w.]+\.(?:py|sql|md))`", text))

    assert named
    assert not {name for name in named if not (ROOT / name).exists()}


@pytest.mark.parametrize(("title", "most"), [("One HTTP batch", 20), ("One fetched batch", 25)])
def test_a_reading_order_follows_the_imports(title: str, most: int) -> None:
    """A file that the way no longer passes drops out of the list."""
    text = (ROOT / "ARCHITECTURE.md").read_text().split(f"**{title},")[1]
    listed = re.findall(r"\d+\. `([\w/]+\.py)`", re.split(r"\n(?:\*\*|#)", text)[0])

    unreached = [
        one
        for number, one in enumerate(listed)
        if number and not any(_imports(before, one) for before in listed[:number])
    ]

    assert len(listed) in range(10, most + 1)
    assert not unreached


def _imports(path: str, other: str) -> bool:
    module = other.removesuffix(".py").replace("/", ".")
    package, _, name = module.rpartition(".")
    text = (ROOT / path).read_text()
    return re.search(rf"from {module} import|from {package} import .*\b{name}\b", text) is not None


@pytest.mark.parametrize("step", WRITE_ORDER, ids=lambda step: step.name)
def test_the_write_order_is_that_of_the_code(step: WriteStep) -> None:
    """Each step's files exist, its crash points are passed, and its mutants are in their table."""
    from tests.system.mutants.table import BY_NAME  # noqa: PLC0415 - only these tests need it

    code = "\n".join(path.read_text() for path in (ROOT / "streams").rglob("*.py"))

    assert all((ROOT / path).exists() for path in step.code)
    assert all(f'failpoints.passing("{point}")' in code for point in step.points)
    assert set(step.mutants) <= set(BY_NAME)


def test_the_crash_points_before_the_ledger_row_are_passed_in_the_write_order() -> None:
    """The partition writer's own steps stand one after the other."""
    writes = inspect.getsource(DurableWrites.write)
    steps = {
        "rows": "_rows(",
        "conflicts, dead letters, moves": "_moves(",
        "changelog": "_changelog(",
    }
    calls = [writes.index(f"self.{steps[step.name]}") for step in WRITE_ORDER[:3]]
    points = re.findall(r'failpoints\.passing\("([\w.]+)"\)', writes)

    assert calls == sorted(calls)
    assert points == [point for point in POINTS if point in points]


def test_every_crash_point_that_the_architecture_names_exists() -> None:
    """Each crash is one that tests make happen."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = set(re.findall(r"`((?:worker|door)\.\w+)`", text))

    assert named
    assert named <= set(POINTS)


def test_every_mutant_that_the_architecture_names_exists() -> None:
    """A mutant that is named as the guard of a rule is in the table."""
    from tests.system.mutants.table import BY_NAME  # noqa: PLC0415 - only this test needs it

    text = (ROOT / "ARCHITECTURE.md").read_text() + (ROOT / "docs/pitfalls.md").read_text()

    assert set(re.findall(r"mutant `([\w-]+)`", text)) <= set(BY_NAME)


def test_every_pitfall_that_the_code_cites_is_explained() -> None:
    """docs/pitfalls.md has each id that a comment or a docstring names."""
    explained = set(re.findall(r'<a id="(\w+)"></a>', (ROOT / "docs/pitfalls.md").read_text()))
    cited = {
        one
        for path in (ROOT / "streams").rglob("*.py")
        for found in re.findall(r"pitfalls\.md((?:[ ,a-z]*#[a-d]\d+)+)", path.read_text())
        for one in re.findall(r"#([a-d]\d+)", found)
    }
    app = (ROOT / "streams" / "app.py").read_text()
    cited |= {one.lower() for one in re.findall(r"\(([A-D]\d+)\)", app)}

    assert {"a1", "a9", "a11", "b6"} <= cited
    assert cited <= explained
