"""The log file of a part, set aside once it has grown, and its last lines."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

SET_ASIDE_BYTES: Final = 16 << 20
TAIL_BYTES: Final = 64 << 10


def open_log(path: Path) -> BinaryIO:
    """Open *path* for appending; a big one is renamed to `NAME.log.1` first, replacing that."""
    if path.exists() and path.stat().st_size > SET_ASIDE_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab", buffering=0)


def last_lines(path: Path, *, count: int) -> list[str]:
    """The last *count* lines that are not blank; none when there is no file."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return [line for line in lines if line.strip()][-count:]
