"""The header of a record that a worker sent on: where it lay before, and since when.

A coordinate names one record only together with the topic's incarnation, as the topic may be
recreated meanwhile. Any producer may write such a header, so it is used only for a receive time,
which producers may choose anyway, and to limit how often a record is sent on.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import orjson

NAME: Final = "moved_from"
# What we write is shorter.
_MOST_BYTES: Final = 512
# 16 bytes in base64; empty where it is not known, and in headers of older versions.
_INCARNATION: Final = re.compile("([A-Za-z0-9_-]{22})?")


class MovedFrom(NamedTuple):
    """Where a record was: partition and offset, its append time there, how often it was sent on.

    `incarnation` is that of the topic the offset belongs to.
    """

    partition: int
    offset: int
    appended_ms: int
    times: int
    incarnation: str = ""

    def header(self) -> tuple[str, bytes]:
        """As a record header."""
        return NAME, orjson.dumps(self._asdict())


def parse_moved_from(text: bytes | None) -> MovedFrom | None:
    """Read the value of such a header; None for anything that `header` does not write."""
    if text is None or len(text) > _MOST_BYTES:
        return None
    try:
        read = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(read, dict):
        return None
    incarnation = read.get("incarnation", "")
    numbers: dict[str, Any] = {name: read.get(name) for name in MovedFrom._fields[:4]}
    if not all(map(_is_count, numbers.values())) or not _is_incarnation(incarnation):
        return None
    return MovedFrom(**numbers, incarnation=incarnation)


def _is_count(value: Any) -> bool:
    # A bool is an int in Python.
    return type(value) is int and 0 <= value < 2**63


def _is_incarnation(value: Any) -> bool:
    return isinstance(value, str) and _INCARNATION.fullmatch(value) is not None
