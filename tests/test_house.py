"""The sizes of folders, files and functions of the product, and one name for one thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents.tables import PACKAGES

ROOT = Path(__file__).parents[1]
FILES_IN_A_FOLDER = 14
LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 40

# What is larger, and why.
FOLDERS = {
    "sinks/migrations": "an applied migration is never edited, so each change is a file more",
}
FILES: dict[str, str] = {}
FUNCTIONS = {
    "ingest_http/metrics.py:__init__": "a list of metrics",
    "streams/metrics.py:__init__": "a list of metrics",
    "streams/recovery/recovery_offset.py:find_recovery_offset": "one decision, best read in order",
    "railhead/audit/audit.py:audit": "the steps of the audit in order",
    "railhead/cli/processes/up.py:add_arguments": "a list of options",
    "railhead/cli/reconcile.py:add_arguments": "a list of options",
    "railhead/cli/tenant/tenant.py:add_arguments": "a list of options",
}
# The baseline is what others would write for the same work, models included.
BASELINE = "bench/baselines/fastapi_api.py"
CLASSES: dict[str, str] = {}


def modules() -> Iterator[tuple[str, ast.Module, int]]:
    """Yield path, tree and number of lines of every product file."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text()
            yield path.relative_to(ROOT).as_posix(), ast.parse(text), len(text.splitlines())


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of *function*, its docstring left out."""
    whole = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return whole
    docstring = function.body[0]
    return whole - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


def test_no_folder_is_a_long_list() -> None:
    """A file is found by its folder's name, and a folder is seen at a glance."""
    folders = {path.parent for one in PACKAGES for path in (ROOT / one).rglob("*.py")}
    large = {
        folder.relative_to(ROOT).as_posix()
        for folder in folders
        if sum(path.is_file() for path in folder.iterdir()) > FILES_IN_A_FOLDER
    }

    assert large == set(FOLDERS)


def test_no_file_is_long() -> None:
    """A file is one thing; most have 50 to 200 lines."""
    large = {path for path, _, lines in modules() if lines > LINES_OF_A_FILE}

    assert large == set(FILES)


def test_no_function_is_long() -> None:
    """A function fits on a screen; most have a few lines."""
    large = {
        f"{path}:{node.name}"
        for path, tree, _ in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and length(node) > LINES_OF_A_FUNCTION
    }

    assert large == set(FUNCTIONS)


def test_a_class_name_means_one_thing() -> None:
    """No name stands for two classes of the product."""
    places: defaultdict[str, set[str]] = defaultdict(set)
    for path, tree, _ in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and path != BASELINE:
                places[node.name].add(path)

    twice = {name: paths for name, paths in places.items() if len(paths) > 1}

    assert set(twice) == set(CLASSES), twice


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_says_what_is_in_it(package: str) -> None:
    """One line, in its docstring; ARCHITECTURE.md shows it in the table of folders."""
    table = (ROOT / "ARCHITECTURE.md").read_text()
    for folder in {path.parent for path in (ROOT / package).rglob("*.py")}:
        name = folder.relative_to(ROOT).as_posix()
        docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))

        assert docstring, name
        assert "?" not in docstring.partition("\n")[0], name
        assert f"| `{name}/` |" in table, name
