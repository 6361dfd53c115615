"""The pinned list of jars that the broker is made of, with a SHA-256 for each.

`jars.txt` is written by `python -m railhead.kafka.relock` and is never edited by hand.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

LIST_NAME: Final = "jars.txt"


@dataclass(frozen=True, slots=True, order=True)
class Jar:
    """One pinned file: its coordinates and the only content that is accepted for it."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def coordinates(self) -> str:
        """`group:artifact:version`, as dependency lists write it."""
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def file_name(self) -> str:
        """The name of the file in the jar directory."""
        return f"{self.artifact}-{self.version}.jar"


def parse(text: str) -> tuple[Jar, ...]:
    """Read a list of `SHA256  group:artifact:version` lines; `#` starts a comment.

    Raises:
        ValueError: a line has another shape.
    """
    lines = (line.strip() for line in text.splitlines())
    return tuple(_parse_line(line) for line in lines if line and not line.startswith("#"))


def _parse_line(line: str) -> Jar:
    sha256, coordinates = line.split()
    group, artifact, version = coordinates.split(":")
    return Jar(group=group, artifact=artifact, version=version, sha256=sha256)


def pinned() -> tuple[Jar, ...]:
    """Every jar of the class path, in the order it was locked."""
    return parse(resources.files(__package__).joinpath(LIST_NAME).read_text(encoding="utf-8"))


def sha256_of(path: Path) -> str:
    """The hex SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
