"""A segment of the dedup index: a hash table of fixed size with open addressing.

A segment holds up to `capacity` ids in arrival order (append-only columns) and finds them by
buckets of eight 32-bit slots, two slots an id. A slot is a row number and nine bits of the hash, so
one gather and one comparison find, for a whole batch of unseen ids, that they are not here; a full
bucket continues in the next one. Everything is done for whole batches in numpy. Bytes per id when
full: 8 + 8 (hash) + 4 (offset) + 4 (fingerprint) + 8 (two slots) = 32.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from streams.dedup.blocks import I64, U32, U64, IdBlock

Positions = npt.NDArray[np.int64]

# Offsets are kept as 32-bit distances from the segment's base.
MAX_SPAN = 2**32 - 1
# A slot: nine bits of the hash above 23 bits of row number plus one; 0 is empty.
_ROW_BITS = 23
_ROW_MASK = np.uint32((1 << _ROW_BITS) - 1)
_TAG_SHIFT = np.uint64(64 - 9)
_WIDTH = 8
MAX_CAPACITY = 1 << 22


class Segment:
    """A fixed-size, append-only set of first occurrences in one partition."""

    __slots__ = (
        "_block_incarnations",
        "_block_last_ms",
        "_block_starts",
        "_deltas",
        "_filled",
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

    def __init__(self, capacity: int, first: IdBlock) -> None:
        """Allocate for *capacity* ids (a power of two); *first* is the first block to come."""
        self.capacity = capacity
        self.base = int(first.offsets[0])
        self.first_ms = first.first_ms
        self.last_ms = first.last_ms
        self.size = 0
        self._high: U64 = np.empty(capacity, np.uint64)
        self._low: U64 = np.empty(capacity, np.uint64)
        self._deltas: U32 = np.empty(capacity, np.uint32)
        self._fingerprints: U32 = np.empty(capacity, np.uint32)
        buckets = 2 * capacity // _WIDTH
        self._slots: U32 = np.zeros((buckets, _WIDTH), np.uint32)
        self._filled = np.zeros(buckets, np.uint8)
        self._mask = buckets - 1
        # Kept for each block: the row where it starts, its last append time, and the number that
        # the dedup index gave to the topic's incarnation.
        self._block_starts: list[int] = []
        self._block_last_ms: list[int] = []
        self._block_incarnations: list[int] = []

    @property
    def free_slots(self) -> int:
        """How many more ids fit."""
        return self.capacity - self.size

    def takes(self, block: IdBlock, *, span_ms: int) -> bool:
        """Whether *block*, or its beginning, may be added here.

        There must be space, its offsets must be near enough to be kept as distances, and the
        segment must not come to span more than *span_ms*.
        """
        return bool(
            self.free_slots
            and block.offsets[0] >= self.base
            and block.offsets[-1] - self.base <= MAX_SPAN
            and block.first_ms - self.first_ms <= span_ms
        )

    def find(self, high: U64, low: U64) -> Positions:
        """Row of each id, or -1 where it is not here."""
        rows = np.full(len(high), -1, np.int64)
        tags = _tags(high)
        buckets = self._buckets(high)
        waiting: Positions = np.arange(len(high))
        while len(waiting):
            slots = self._slots.take(buckets, axis=0)
            matches = np.flatnonzero((slots ^ tags[:, None]) <= _ROW_MASK)
            if len(matches):
                self._verify(matches, slots, waiting, high, low, rows)
            # Only a full bucket can have passed an id on to the next one.
            on = np.flatnonzero(slots[:, _WIDTH - 1])
            on = on[rows[waiting[on]] < 0]
            waiting, tags = waiting[on], tags[on]
            buckets = (buckets[on] + 1) & self._mask
        return rows

    def _verify(  # noqa: PLR0913, PLR0917 - the inner step of `find`, on its arrays
        self,
        matches: Positions,
        slots: U32,
        waiting: Positions,
        high: U64,
        low: U64,
        rows: Positions,
    ) -> None:
        """Compare all 128 bits where a slot's tag matched; note the rows of equal ids."""
        candidates = (slots.ravel()[matches] & _ROW_MASK).astype(np.int64) - 1
        ids = waiting[matches // _WIDTH]
        same = (candidates >= 0) & (self._high[candidates] == high[ids])
        same &= self._low[candidates] == low[ids]
        rows[ids[same]] = candidates[same]

    def _buckets(self, high: U64) -> Positions:
        # int64, because numpy gathers by it several times faster than by uint64.
        return high.view(np.int64) & self._mask

    def append(self, block: IdBlock, incarnation: int) -> None:
        """Add a block that fits into `free_slots`; of an id added twice the first is found."""
        start, count = self.size, len(block)
        end = start + count
        self._high[start:end] = block.high
        self._low[start:end] = block.low
        self._deltas[start:end] = block.offsets - self.base
        self._fingerprints[start:end] = block.fingerprints
        self._block_starts.append(start)
        self._block_last_ms.append(block.last_ms)
        self._block_incarnations.append(incarnation)
        self.size = end
        self.last_ms = max(self.last_ms, block.last_ms)
        self._slot(block.high, _tags(block.high) | np.arange(start + 1, end + 1, dtype=np.uint32))

    def _slot(self, high: U64, hash_tags: U32) -> None:
        buckets = self._buckets(high)
        waiting: Positions = np.argsort(buckets, kind="stable")
        while len(waiting):
            ordered = buckets[waiting]
            # How many ids before it in this round go to the same bucket.
            starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
            rank = np.arange(len(ordered)) - np.repeat(starts, np.diff(np.r_[starts, len(ordered)]))
            column = self._filled[ordered] + rank
            fits = column < _WIDTH
            self._slots[ordered[fits], column[fits]] = hash_tags[waiting[fits]]
            np.add.at(self._filled, ordered[fits], 1)
            waiting = waiting[~fits]
            buckets[waiting] = (buckets[waiting] + 1) & self._mask
            waiting = waiting[np.argsort(buckets[waiting], kind="stable")]

    def blank(self, rows: Positions) -> None:
        """Make the ids in *rows* impossible to find; their rows stay in use."""
        self._low[rows] = ~self._low[rows]

    def offsets(self, rows: Positions) -> I64:
        """First-seen offset of each row."""
        return self._deltas[rows].astype(np.int64) + self.base

    def fingerprints(self, rows: Positions) -> U32:
        """Content fingerprint of each row."""
        return self._fingerprints[rows]

    def blocks_of(self, rows: Positions) -> tuple[I64, I64]:
        """What each row's block says of it.

        The append time, to the precision of the block's span, and the topic's incarnation.
        """
        blocks = np.searchsorted(np.asarray(self._block_starts), rows, side="right") - 1
        return (
            np.asarray(self._block_last_ms, np.int64)[blocks],
            np.asarray(self._block_incarnations, np.int64)[blocks],
        )

    @property
    def nbytes(self) -> int:
        """Bytes reserved by the arrays."""
        arrays = (
            self._high,
            self._low,
            self._deltas,
            self._fingerprints,
            self._slots,
            self._filled,
        )
        return sum(array.nbytes for array in arrays)


def _tags(high: U64) -> U32:
    """The hash bits kept in a slot; they are not among those that choose the bucket."""
    return ((high >> _TAG_SHIFT) << np.uint64(_ROW_BITS)).astype(np.uint32)
