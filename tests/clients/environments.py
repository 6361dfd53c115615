"""The environment of each language's clients, made from its pinned files in `.clients`.

Every function returns the command of a program without its arguments, or None if this machine lacks
the toolchain: its clients are then reported as skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
CACHE: Final = HERE.parents[1] / ".clients"
SETUP_SECONDS: Final = 900.0


def has(*tools: str) -> bool:
    """Whether this machine has all of *tools*."""
    return all(map(shutil.which, tools))


def python(requirements: str, program: str) -> Sequence[str] | None:
    """A program in a virtual environment of its own."""
    lock = HERE / "python" / f"requirements-{requirements}.txt"
    home = CACHE / requirements
    interpreter = home / "bin" / "python"
    if _is_stale(home, lock):
        shutil.rmtree(home, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(home)])
        _run([str(interpreter), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(lock)])
        _mark(home)
    return [str(interpreter), str(HERE / "python" / program)]


def own_python(program: str) -> Sequence[str]:
    """A program in the environment of Railhead itself."""
    return [sys.executable, str(HERE / "python" / program)]


def node(program: str) -> Sequence[str] | None:
    """A program of Node, beside the packages of its lock."""
    if not has("node", "npm"):
        return None
    home = CACHE / "node"
    if _is_stale(home, HERE / "node" / "package-lock.json"):
        shutil.copytree(HERE / "node", home, dirs_exist_ok=True)
        _run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], folder=home)
        _mark(home)
    shutil.copy(HERE / "node" / program, home / program)
    return ["node", str(home / program)]


def go(program: str) -> Sequence[str] | None:
    """A program of Go, built."""
    if not has("go"):
        return None
    built = CACHE / "go" / program
    built.parent.mkdir(parents=True, exist_ok=True)
    _run(["go", "build", "-o", str(built), f"./{program}"], folder=HERE / "go")
    return [str(built)]


def java(program: str) -> Sequence[str] | None:
    """A class of Java, compiled, with the jars of its pom."""
    if not has("mvn", "javac"):
        return None
    home = CACHE / "java"
    jars, classes = home / "jars", home / "classes"
    pom = HERE / "java" / "pom.xml"
    if _is_stale(home, pom):
        copy = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
        _run([*copy, f"-DoutputDirectory={jars}"])
        _mark(home)
    sources = map(str, (HERE / "java").glob("*.java"))
    _run(["javac", "-cp", f"{jars}/*", "-d", str(classes), *sources])
    return ["java", "-cp", f"{jars}/*:{classes}", program]


def _is_stale(home: Path, pinned: Path) -> bool:
    mark = home / ".made"
    return not mark.exists() or mark.stat().st_mtime < pinned.stat().st_mtime


def _mark(home: Path) -> None:
    (home / ".made").touch()


def _run(command: Sequence[str], folder: Path | None = None) -> None:
    subprocess.run(command, cwd=folder, check=True, timeout=SETUP_SECONDS, env=_environment())


def _environment() -> Mapping[str, str]:
    return {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
