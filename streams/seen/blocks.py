"""How does a changelog record hold the ids of a slice? One packed block per slice.

A block lists first sightings of one partition: the 128-bit hash of (tenant, id), the offset it
was first seen at, and a 32-bit fingerprint of the content, with the time span they were appended
in. Key of the record: the offset of the block's first sighting, which no other block shares.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

# version, sightings, base offset, first and last append time in ms
_HEADER = struct.Struct("<BxxxIqqq")
_VERSION = 1
_BYTES_EACH = 8 + 8 + 4 + 4


class UnreadableBlock(ValueError):  # noqa: N818 - it names the thing, as the log says it
    """A changelog record is not a block this version can read."""


@dataclass(frozen=True, slots=True)
class Block:
    """First sightings of one partition, offsets ascending, all columns of one length."""

    high: U64
    low: U64
    offsets: I64
    fingerprints: U32
    first_ms: int
    last_ms: int

    def __len__(self) -> int:
        return len(self.high)

    @property
    def key(self) -> bytes:
        """The changelog key: the first sighting's offset, 8 bytes big-endian."""
        return int(self.offsets[0]).to_bytes(8, "big")

    def part(self, start: int, end: int) -> Block:
        """Rows from *start* to before *end*, as views; the time span stays the block's."""
        if start == 0 and end == len(self):
            return self
        cut = slice(start, end)
        return Block(
            self.high[cut],
            self.low[cut],
            self.offsets[cut],
            self.fingerprints[cut],
            self.first_ms,
            self.last_ms,
        )

    def rows(self, rows: npt.NDArray[np.int64]) -> Block:
        """The given rows; the time span stays the block's."""
        return Block(
            self.high[rows],
            self.low[rows],
            self.offsets[rows],
            self.fingerprints[rows],
            self.first_ms,
            self.last_ms,
        )


def pack(block: Block) -> bytes:
    """Serialise *block*; offsets are kept relative to the first, at most 2**32 - 1 apart."""
    base = int(block.offsets[0])
    return b"".join(
        (
            _HEADER.pack(_VERSION, len(block), base, block.first_ms, block.last_ms),
            block.high.astype("<u8", copy=False).tobytes(),
            block.low.astype("<u8", copy=False).tobytes(),
            (block.offsets - base).astype("<u4").tobytes(),
            block.fingerprints.astype("<u4", copy=False).tobytes(),
        )
    )


def unpack(value: bytes) -> Block:
    """Read a block written by `pack`.

    Raises:
        UnreadableBlock: another version, or a length that does not fit the header.
    """
    try:
        version, count, base, first_ms, last_ms = _HEADER.unpack_from(value)
    except struct.error as error:
        raise UnreadableBlock(f"{len(value)} bytes are too few for a block") from error
    if version != _VERSION or len(value) != _HEADER.size + count * _BYTES_EACH or not count:
        raise UnreadableBlock(f"version {version}, {count} sightings, {len(value)} bytes")
    at = _HEADER.size
    high = np.frombuffer(value, "<u8", count, at)
    low = np.frombuffer(value, "<u8", count, at + 8 * count)
    deltas = np.frombuffer(value, "<u4", count, at + 16 * count)
    fingerprints = np.frombuffer(value, "<u4", count, at + 20 * count)
    return Block(high, low, deltas.astype(np.int64) + base, fingerprints, first_ms, last_ms)
