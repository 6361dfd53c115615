"""Where is an id among a bounded number of remembered ones? One open-addressing generation.

A generation holds up to `capacity` ids in arrival order (append-only columns) and finds them by
a table of 32-bit positions with twice as many slots, probed linearly. Everything is done for
whole slices in numpy: a probe round costs a few array operations however many ids it covers.
Bytes per id when full: 8 + 8 (hash) + 4 (offset) + 4 (fingerprint) + 8 (two slots) = 32.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from streams.seen.blocks import I64, U32, U64, Block

Positions = npt.NDArray[np.int64]

# Offsets are kept as 32-bit distances from the generation's base.
MAX_SPAN = 2**32 - 1


class Generation:
    """A fixed-size, append-only set of first sightings of one partition."""

    __slots__ = (
        "_block_last_ms",
        "_block_starts",
        "_deltas",
        "_fingerprints",
        "_high",
        "_low",
        "_mask",
        "_slots",
        "base",
        "capacity",
        "first_ms",
        "last_ms",
        "size",
    )

    def __init__(self, capacity: int, first: Block) -> None:
        """Make room for *capacity* ids (a power of two); *first* is the first block to come."""
        self.capacity = capacity
        self.base = int(first.offsets[0])
        self.first_ms = first.first_ms
        self.last_ms = first.last_ms
        self.size = 0
        self._high: U64 = np.empty(capacity, np.uint64)
        self._low: U64 = np.empty(capacity, np.uint64)
        self._deltas: U32 = np.empty(capacity, np.uint32)
        self._fingerprints: U32 = np.empty(capacity, np.uint32)
        # 0 is an empty slot, n + 1 points at row n.
        self._slots: U32 = np.zeros(2 * capacity, np.uint32)
        self._mask = np.uint64(2 * capacity - 1)
        # Append times by block: row numbers where blocks start, and their last append time.
        self._block_starts: list[int] = []
        self._block_last_ms: list[int] = []

    @property
    def room(self) -> int:
        """How many more ids fit."""
        return self.capacity - self.size

    def takes(self, block: Block, *, span_ms: int) -> bool:
        """Tell whether *block* (or its beginning) may go here: there is room, its offsets can be
        kept as distances, and the generation would not span more than *span_ms*.
        """
        return bool(
            self.room
            and block.offsets[0] >= self.base
            and block.offsets[-1] - self.base <= MAX_SPAN
            and block.first_ms - self.first_ms <= span_ms
        )

    def find(self, high: U64, low: U64) -> Positions:
        """Row of each id, or -1 where it is not here."""
        rows = np.full(len(high), -1, np.int64)
        slots = high & self._mask
        open_ = np.flatnonzero(self._slots[slots])
        while len(open_):
            candidates = self._slots[slots[open_]].astype(np.int64) - 1
            same = self._high[candidates] == high[open_]
            same &= self._low[candidates] == low[open_]
            rows[open_[same]] = candidates[same]
            open_ = open_[~same]
            slots[open_] = (slots[open_] + np.uint64(1)) & self._mask
            open_ = open_[self._slots[slots[open_]] != 0]
        return rows

    def append(self, block: Block) -> None:
        """Add a block that fits into `room`; of an id added twice the first is found."""
        start, count = self.size, len(block)
        end = start + count
        self._high[start:end] = block.high
        self._low[start:end] = block.low
        self._deltas[start:end] = block.offsets - self.base
        self._fingerprints[start:end] = block.fingerprints
        self._block_starts.append(start)
        self._block_last_ms.append(block.last_ms)
        self.size = end
        self.last_ms = max(self.last_ms, block.last_ms)
        self._place(block.high, np.arange(start + 1, end + 1, dtype=np.uint32))

    def _place(self, high: U64, marks: U32) -> None:
        slots = high & self._mask
        waiting = np.arange(len(high))
        while len(waiting):
            wanted = slots[waiting]
            free = self._slots[wanted] == 0
            self._slots[wanted[free]] = marks[waiting[free]]
            # Of several ids that wanted one free slot the last one has it; the others go on.
            waiting = waiting[self._slots[wanted] != marks[waiting]]
            slots[waiting] = (slots[waiting] + np.uint64(1)) & self._mask

    def offsets(self, rows: Positions) -> I64:
        """First-seen offset of each row."""
        return self._deltas[rows].astype(np.int64) + self.base

    def fingerprints(self, rows: Positions) -> U32:
        """Content fingerprint of each row."""
        return self._fingerprints[rows]

    def appended_ms(self, rows: Positions) -> I64:
        """Append time of each row, to the precision of its block's span."""
        blocks = np.searchsorted(np.asarray(self._block_starts), rows, side="right") - 1
        return np.asarray(self._block_last_ms, np.int64)[blocks]

    @property
    def nbytes(self) -> int:
        """Bytes reserved by the arrays."""
        arrays = (self._high, self._low, self._deltas, self._fingerprints, self._slots)
        return sum(array.nbytes for array in arrays)
