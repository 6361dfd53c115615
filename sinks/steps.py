"""Reads the statements of a package's .sql files and adapts them to a cluster.

A line `-- step: NAME` opens a step; a step is one statement, with or without its semicolon. Text
before the first step is for readers. The files run unchanged on a single server; for a cluster the
placeholders `/*on cluster*/` and `/*replicated*/` are filled in.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from typing import Final

_STEP: Final = re.compile(r"^-- step: (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Step:
    """One statement; `name` is its file and step, such as `0002_casino/table`."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the statement as the file has it, whatever the cluster."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def for_cluster(self, cluster: str) -> str:
        """The statement for *cluster*; unchanged for an empty one."""
        if not cluster:
            return self.sql
        return self.sql.replace("/*on cluster*/", f"ON CLUSTER '{cluster}'").replace(
            "/*replicated*/", "Replicated"
        )


def read_steps(package: str) -> list[Step]:
    """The steps of all .sql files in *package*, by file name, in the order of the files.

    Raises:
        ValueError: a file has no step, or two of one name.
    """
    files = (file for file in resources.files(package).iterdir() if file.name.endswith(".sql"))
    return [
        step
        for file in sorted(files, key=lambda file: file.name)
        for step in parse(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8"))
    ]


def read_texts(package: str) -> dict[str, str]:
    """The statements of all .sql files in *package* by their steps' names."""
    return {step.name.partition("/")[2]: step.sql for step in read_steps(package)}


def parse(file: str, text: str) -> list[Step]:
    """The steps of one file's *text*.

    Comments right above a step's line are dropped: they are not part of any statement.
    """
    _, *chunks = _STEP.split(text)
    names, statements = chunks[::2], chunks[1::2]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"{file}.sql: needs steps, each with a name of its own")
    return [
        Step(f"{file}/{name}", _statement(sql)) for name, sql in zip(names, statements, strict=True)
    ]


def _statement(sql: str) -> str:
    """The statement without its semicolon and without comment lines that follow it."""
    lines = sql.strip().splitlines()
    while lines and (not lines[-1].strip() or lines[-1].startswith("--")):
        lines.pop()
    return "\n".join(lines).rstrip().removesuffix(";")
