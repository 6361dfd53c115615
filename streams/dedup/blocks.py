"""Packs the new ids of a fetched batch into one changelog record, and unpacks them.

A block lists first occurrences of one partition: the 128-bit hash of (tenant, id), the offset it
was first seen at, and a 32-bit fingerprint of the content, with the time span they were appended in
and the incarnation of the topic that the offsets belong to. The record's key is the block's first
offset.

A block names its format and how ids and contents were hashed. Every version that was ever written
is read; a block of any other is unreadable, never half read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from streams.faust.topic_ids import incarnation_bytes, incarnation_text

U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

# format, hashes, number of ids, base offset, first and last append time in ms, incarnation
_HEADER = struct.Struct("<BBxxIqqq16s")
_FORMAT = 2
# The first format names neither the hashes (they were those of today) nor the incarnation.
_FIRST_HEADER = struct.Struct("<BxxxIqqq")
_FIRST_FORMAT = 1
# XXH3-128 of tenant, NUL, id; the low half of the content fingerprint of
# events/values/fingerprint.py.
_HASHES = 1
_BYTES_EACH = 8 + 8 + 4 + 4
_MAX_OFFSET = 2**63 - 2


class UnreadableBlock(ValueError):  # noqa: N818 - it names the thing, as the log says it
    """A changelog record is not a block this version can read."""


@dataclass(frozen=True, slots=True)
class IdBlock:
    """First occurrences in one partition, offsets ascending, all columns of one length."""

    high: U64
    low: U64
    offsets: I64
    fingerprints: U32
    first_ms: int
    last_ms: int
    incarnation: str = ""

    def __len__(self) -> int:
        return len(self.high)

    @property
    def key(self) -> bytes:
        """The changelog key: the first offset, 8 bytes big-endian."""
        return int(self.offsets[0]).to_bytes(8, "big")

    def rows(self, rows: slice | npt.NDArray[np.int64]) -> IdBlock:
        """The given rows, neighbours as views; the time span stays the block's."""
        return replace(
            self,
            high=self.high[rows],
            low=self.low[rows],
            offsets=self.offsets[rows],
            fingerprints=self.fingerprints[rows],
        )


def pack(block: IdBlock) -> bytes:
    """Serialise *block*; offsets are kept relative to the first, at most 2**32 - 1 apart."""
    base = int(block.offsets[0])
    return b"".join(
        (
            _HEADER.pack(
                _FORMAT,
                _HASHES,
                len(block),
                base,
                block.first_ms,
                block.last_ms,
                incarnation_bytes(block.incarnation),
            ),
            block.high.astype("<u8", copy=False).tobytes(),
            block.low.astype("<u8", copy=False).tobytes(),
            (block.offsets - base).astype("<u4").tobytes(),
            block.fingerprints.astype("<u4", copy=False).tobytes(),
        )
    )


def unpack(value: bytes) -> IdBlock:
    """Read a block written by `pack`.

    Raises:
        UnreadableBlock: another format or other hashes, or a length that does not fit the header.
    """
    header = _FIRST_HEADER if value[:1] == bytes([_FIRST_FORMAT]) else _HEADER
    try:
        fields = header.unpack_from(value)
    except struct.error as error:
        raise UnreadableBlock(f"{len(value)} bytes are too few for a block") from error
    if header is _FIRST_HEADER:
        fields = (_FORMAT, _HASHES, *fields[1:], bytes(16))
    version, hashes, count, base, first_ms, last_ms, incarnation = fields
    fits = len(value) == header.size + count * _BYTES_EACH and count
    if (version, hashes) != (_FORMAT, _HASHES) or not fits:
        text = f"format {version}, hashes {hashes}, {count} ids, {len(value)} bytes"
        raise UnreadableBlock(text)
    at = header.size
    high = np.frombuffer(value, "<u8", count, at)
    low = np.frombuffer(value, "<u8", count, at + 8 * count)
    deltas = np.frombuffer(value, "<u4", count, at + 16 * count)
    fingerprints = np.frombuffer(value, "<u4", count, at + 20 * count)
    most = int(deltas.max())
    if (
        base < 0
        or base + most > _MAX_OFFSET
        or first_ms > last_ms
        or (deltas[1:] < deltas[:-1]).any()
    ):
        raise UnreadableBlock("impossible offsets or times")
    return IdBlock(
        high,
        low,
        deltas.astype(np.int64) + base,
        fingerprints,
        first_ms,
        last_ms,
        incarnation_text(incarnation),
    )
