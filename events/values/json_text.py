"""The JSON reader of the exact check: keeps every digit of a number and notices repeated names.

Strict RFC 8259: UTF-8 without a byte order mark, no NaN, no control characters in strings, at most
`MAX_DEPTH` levels of brackets. It also finds where in the text the value of a member stands, for
content that is kept exactly as it was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, NoReturn

import numpy as np

from events.values.amounts import JsonNumber

MAX_DEPTH: Final = 128
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_OUTSIDE_STRINGS: Final = re.compile(
    rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[^][{}"]++', re.DOTALL
)


class JsonTextError(ValueError):
    """The bytes are not a JSON value we read; `reason` is a code of `events.contract.reasons`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class JsonObject(dict[str, Any]):
    """A JSON object that remembers which of its names stood in it more than once."""

    __slots__ = ("repeated",)
    repeated: frozenset[str]


class Member(NamedTuple):
    """One member of an object: its name, and where its value stands in the text."""

    name: str
    start: int
    end: int


def read_json(raw: bytes) -> tuple[str, Any]:
    """Read *raw*; returns the text and its value, numbers as `JsonNumber`, objects as `JsonObject`.

    Raises:
        JsonTextError: `bad_encoding`, `too_deep` or `bad_json`.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise JsonTextError("bad_encoding", f"is not UTF-8 at byte {problem.start}") from None
    if depth(raw) > MAX_DEPTH:
        raise JsonTextError("too_deep", f"has more than {MAX_DEPTH} levels of brackets")
    try:
        return text, _DECODER.decode(text)
    except json.JSONDecodeError as problem:
        raise JsonTextError("bad_json", f"is not JSON at character {problem.pos}") from None
    except _Constant:
        raise JsonTextError("bad_json", "is not JSON: NaN and Infinity are not numbers") from None


def depth(raw: bytes) -> int:
    """Count the deepest level of brackets outside strings, in time linear in the length."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return 0
    brackets = np.frombuffer(_OUTSIDE_STRINGS.sub(b"", raw), np.uint8)
    opening = (brackets == ord("[")) | (brackets == ord("{"))
    return int(np.cumsum(np.where(opening, 1, -1)).max(initial=0))


def members(text: str, start: int) -> Iterator[Member]:
    """Walk the object that starts at *start*. The text must have been read by `read_json`."""
    at = _skip(text, start + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        begin = _skip(text, _skip(text, at) + 1)
        end = value_end(text, begin)
        yield Member(name, begin, end)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def elements(text: str, start: int) -> Iterator[int]:
    """Walk the array that starts at *start*: where each of its values starts."""
    at = _skip(text, start + 1)
    while text[at] != "]":
        yield at
        at = _skip(text, value_end(text, at))
        if text[at] == ",":
            at = _skip(text, at + 1)


def value_end(text: str, start: int) -> int:
    """Find where the value that starts at *start* ends."""
    return _DECODER.raw_decode(text, start)[1]


def first_value(text: str) -> int:
    """Find where the text's value starts."""
    return _skip(text, 0)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()


class _Constant(Exception):  # noqa: N818 - a signal of this file, not an error of its callers
    """NaN or Infinity is in the text."""


def _refuse_constant(name: str) -> NoReturn:
    raise _Constant(name)


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    made = JsonObject(pairs)
    made.repeated = _NONE if len(made) == len(pairs) else _repeated(pairs)
    return made


def _repeated(pairs: list[tuple[str, Any]]) -> frozenset[str]:
    names: set[str] = set()
    twice: set[str] = set()
    for name, _ in pairs:
        (twice if name in names else names).add(name)
    return frozenset(twice)


_NONE: Final[frozenset[str]] = frozenset()
_DECODER: Final = json.JSONDecoder(
    parse_float=JsonNumber,
    parse_int=JsonNumber,
    parse_constant=_refuse_constant,
    object_pairs_hook=_object,
)
