"""The header of a record that a worker sent on: where it lay before, and since when.

Any producer may write such a header, so nothing is made of it but a receive time, which producers
may choose anyway, and a bound for how often a record is sent on.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import orjson

NAME: Final = "moved_from"
# What we write is shorter.
_MOST_BYTES: Final = 512


class MovedFrom(NamedTuple):
    """Where a record lay: partition and offset, its append time there, how often it was sent on."""

    partition: int
    offset: int
    appended_ms: int
    times: int

    def header(self) -> tuple[str, bytes]:
        """As a record header."""
        return NAME, orjson.dumps(self._asdict())


def parse_moved_from(text: bytes | None) -> MovedFrom | None:
    """Read the value of such a header; None for anything that `header` does not write."""
    if text is None or len(text) > _MOST_BYTES:
        return None
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(told, dict):
        return None
    numbers = [told.get(name) for name in MovedFrom._fields]
    return MovedFrom(*numbers) if all(map(_is_count, numbers)) else None  # type: ignore[arg-type]


def _is_count(value: Any) -> bool:
    # A bool is an int in Python.
    return type(value) is int and 0 <= value < 2**63
