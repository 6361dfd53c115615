"""Finds the items of an array whose content breaks JSON's grammar somewhere.

It looks at brackets, commas and strings only, so a fault inside one item leaves its neighbours
whole. It works on blocks of the body in columns: some nanoseconds per byte, linear whatever the
bytes are, with memory for one block. Brackets are counted, not matched by kind: an item that mixes
them up is split off like any other and rejected by the check.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from events.check.columnar.texts import Chars

BLOCK_BYTES: Final = 1 << 18
_SPACE: Final = b" \t\n\r"
Mask = npt.NDArray[np.bool_]


class BrokenStructureError(ValueError):
    """The array does not end, or something follows its end."""

    def __init__(self, message: str, position_bytes: int) -> None:
        super().__init__(message)
        self.position_bytes = position_bytes


@dataclass(slots=True)
class _State:
    """What the next block must know about those before it."""

    escaped: bool = False
    in_string: bool = False
    depth: int = 0
    at: int = 0
    commas: list[npt.NDArray[np.int64]] = field(default_factory=list)
    end: int = -1


def split_array(text: memoryview, *, block_bytes: int = BLOCK_BYTES) -> list[tuple[int, int]]:
    """Find start and end of each item; *text* starts with `[`, white space aside.

    Raises:
        BrokenStructureError: the array is not closed, or is closed before the text ends.
    """
    state = _State()
    chars = np.frombuffer(text, np.uint8)
    for start in range(0, len(chars), block_bytes):
        _scan(chars[start : start + block_bytes], state)
    if state.end < 0:
        raise BrokenStructureError("the array is not closed; was the body cut off?", len(text))
    _refuse_trailing(text, state.end + 1)
    first = int(np.flatnonzero(chars == ord("["))[0])
    return _items(text, [first, *np.concatenate(state.commas).tolist(), state.end])


def _items(text: memoryview, borders: list[int]) -> list[tuple[int, int]]:
    items = [_trimmed(text, before + 1, after) for before, after in pairwise(borders)]
    # `[ ]` has no items; anything else that is empty (`[1,]`) is an odd item of its own.
    return [] if len(items) == 1 and items[0][0] == items[0][1] else items


def _trimmed(text: memoryview, start: int, end: int) -> tuple[int, int]:
    chunk = bytes(text[start:end])
    inner = chunk.lstrip(_SPACE)
    begin = end - len(inner)
    return begin, begin + len(inner.rstrip(_SPACE))


def _refuse_trailing(text: memoryview, start: int) -> None:
    rest = bytes(text[start:]).lstrip(_SPACE)
    if rest:
        at = len(text) - len(rest)
        raise BrokenStructureError("something follows the end of the array", at)


def _scan(chars: Chars, state: _State) -> None:
    outside = _outside_strings(chars, state)
    steps = np.zeros(len(chars), np.int64)
    steps[outside & ((chars == ord("[")) | (chars == ord("{")))] = 1
    steps[outside & ((chars == ord("]")) | (chars == ord("}")))] = -1
    depths = np.cumsum(steps) + state.depth
    closed = np.flatnonzero((depths <= 0) & (steps == -1))
    if len(closed) and state.end < 0:
        state.end = state.at + int(closed[0])
    commas = np.flatnonzero(outside & (chars == ord(",")) & (depths == 1))
    commas = commas + state.at
    commas = commas if state.end < 0 else commas[commas < state.end]
    state.commas.append(commas)
    state.depth = int(depths[-1])
    state.at += len(chars)


def _outside_strings(chars: Chars, state: _State) -> Mask:
    quotes = chars == ord('"')
    quotes &= ~_escaped(chars, state)
    opened: Mask = (np.cumsum(quotes) + state.in_string) % 2 == 1
    state.in_string = bool(opened[-1])
    outside: Mask = ~(opened | quotes)
    return outside


def _escaped(chars: Chars, state: _State) -> Mask:
    """Find the bytes that follow a backslash that is not itself escaped."""
    escaped = np.zeros(len(chars) + 1, np.bool_)
    escaped[0] = state.escaped
    slashes = np.flatnonzero(chars == ord("\\"))
    if len(slashes):
        # In a run of backslashes every second one is escaped, starting with the first one if the
        # block before ended in a backslash that is not itself escaped.
        new_run = np.diff(slashes, prepend=-2) != 1
        run_starts = np.maximum.accumulate(np.where(new_run, np.arange(len(slashes)), 0))
        in_run = np.arange(len(slashes)) - run_starts
        carried = (slashes[run_starts] == 0) & state.escaped
        escaped[slashes[(in_run + carried) % 2 == 0] + 1] = True
    state.escaped = bool(escaped[-1])
    return escaped[:-1]
