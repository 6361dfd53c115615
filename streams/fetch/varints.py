"""Reads Kafka's varints: one at a time, or the same field of many records at once.

A varint holds seven bits a byte, the lowest first, in at most ten bytes; the sign is its lowest
bit. Numbers wrap at 64 bits, as they do in aiokafka's reader.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from aiokafka.errors import CorruptRecordException

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]

_LAST_SHIFT = 63


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at *at* and where it ends.

    Raises `IndexError` where the data end within it, `CorruptRecordException` where it does not
    end within ten bytes.
    """
    bits = shift = 0
    while (byte := data[at]) > 0x7F:
        bits |= (byte & 0x7F) << shift
        at += 1
        shift = _next(shift)
    bits = (bits | byte << shift) & 0xFFFF_FFFF_FFFF_FFFF
    return (bits >> 1) ^ -(bits & 1), at + 1


def varint_bytes(number: int) -> bytes:
    """*number* as a varint."""
    bits = (number << 1) ^ (number >> _LAST_SHIFT)
    written = bytearray()
    while bits > 0x7F:
        written.append(bits & 0x7F | 0x80)
        bits >>= 7
    return bytes([*written, bits])


def varints(data: U8, at: I64) -> tuple[I64, I64]:
    """The numbers at all positions *at* (none negative) and where they end; raises as `varint`."""
    byte = data[at]
    bits = byte.astype(np.uint64)
    at = at + 1
    shift = 0
    # Most fields take one byte in all records; few are longer in more than a few records.
    longer = np.flatnonzero(byte > 0x7F)
    if len(longer):
        bits &= np.uint64(0x7F)
    while len(longer):
        shift = _next(shift)
        byte = data[at[longer]]
        bits[longer] |= (byte & 0x7F).astype(np.uint64) << np.uint64(shift)
        at[longer] += 1
        longer = longer[byte > 0x7F]
    return (bits >> np.uint64(1)).view(np.int64) ^ -(bits & np.uint64(1)).view(np.int64), at


def _next(shift: int) -> int:
    if shift == _LAST_SHIFT:
        raise CorruptRecordException("A varint does not end.")
    return shift + 7
