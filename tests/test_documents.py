"""What ARCHITECTURE.md claims is proven by tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_test_that_the_architecture_names_exists() -> None:
    """A claim without its test is a wish."""
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "ARCHITECTURE.md").read_text()))
    files = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))

    missing = {name for name in named if f"def {name}(" not in files}

    assert named
    assert not missing


def test_every_file_that_the_architecture_names_exists() -> None:
    """A file that moved takes its mention with it."""
    text = (ROOT / "ARCHITECTURE.md").read_text() + (ROOT / "DECISIONS.md").read_text()
    named = set(re.findall(r"`((?:[a-z_]+/)+[\w.]+\.(?:py|sql|md))`", text))

    assert named
    assert not {name for name in named if not (ROOT / name).exists()}


def test_every_mutant_that_the_architecture_names_exists() -> None:
    """A rule that is said to be guarded is guarded."""
    from tests.system.mutants.table import BY_NAME  # noqa: PLC0415 - only this test needs it

    text = (ROOT / "ARCHITECTURE.md").read_text()

    assert set(re.findall(r"mutant `([\w-]+)`", text)) <= set(BY_NAME)
