"""The dedup index of a partition: which ids it remembers, and where each was first seen.

It is made of segments of growing size: a new one is opened when the newest is full, so nothing is
ever rehashed and growing costs no pause; forgetting drops whole segments whose newest id is older
than the window, so that costs none either. Whether an id still counts as seen is decided by the
append times of the two records, not by when a segment was dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.dedup.blocks import I64, U32, U64, IdBlock
from streams.dedup.segment import MAX_CAPACITY, Segment

UNSEEN = -1
FIRST_CAPACITY = 1 << 14


@dataclass(frozen=True, slots=True)
class FirstOccurrences:
    """For each looked-up id: the offset it was first seen at (UNSEEN if never) and its content.

    `incarnations` are indexes into `names`: which incarnation of the topic the offset belongs to.
    """

    offsets: I64
    fingerprints: U32
    appended_ms: I64
    incarnations: I64
    names: Sequence[str]


class DedupIndex:
    """The remembered ids of one partition, for *window_ms* of the broker's append time."""

    def __init__(self, window_ms: int) -> None:
        self.window_ms = window_ms
        self._segments: list[Segment] = []
        # Incarnations of the topic; segments refer to them by their index here.
        self._names: list[str] = [""]
        # Offsets of first occurrences that may yet be found to be repeats of what is stored under
        # another id rule (streams/judge/other_rules.py).
        self.in_doubt: set[int] = set()

    def __len__(self) -> int:
        return sum(segment.size for segment in self._segments)

    @property
    def nbytes(self) -> int:
        """Bytes reserved."""
        return sum(segment.nbytes for segment in self._segments)

    def look_up(self, high: U64, low: U64) -> FirstOccurrences:
        """Find the newest occurrence of each id; both halves of the hash have one length."""
        count = len(high)
        found = FirstOccurrences(
            np.full(count, UNSEEN, np.int64),
            np.zeros(count, np.uint32),
            np.zeros(count, np.int64),
            np.zeros(count, np.int64),
            self._names,
        )
        missing: npt.NDArray[np.int64] = np.arange(count)
        for segment in reversed(self._segments):
            if not len(missing):
                break
            rows = segment.find(high[missing], low[missing])
            here = rows >= 0
            if here.any():
                at, rows = missing[here], rows[here]
                found.offsets[at] = segment.offsets(rows)
                found.fingerprints[at] = segment.fingerprints(rows)
                found.appended_ms[at], found.incarnations[at] = segment.blocks_of(rows)
                missing = missing[~here]
        return found

    def add(self, block: IdBlock, *, now_ms: int | None = None) -> None:
        """Remember a block of ids, and drop the segments that its append time makes too old.

        *now_ms* is the broker's time, given when the block's own must not be trusted beyond it.

        An id may already be there: in an older segment when its window has ended (the newest
        occurrence is the one found), or in the same one when recovery reads an id that was written
        twice (either will do).
        """
        start = 0
        if block.incarnation not in self._names:
            self._names.append(block.incarnation)
        incarnation = self._names.index(block.incarnation)
        while start < len(block):
            segment = self._newest(block)
            end = min(len(block), start + segment.free_slots)
            segment.append(block.rows(slice(start, end)), incarnation)
            start = end
        now_ms = block.last_ms if now_ms is None else min(now_ms, block.last_ms)
        self._forget_before(now_ms - self.window_ms)

    def forget(self, high: U64, low: U64) -> None:
        """Remove single ids, wherever they are and however often."""
        for segment in self._segments:
            while (rows := segment.find(high, low)).max(initial=-1) >= 0:
                segment.blank(rows[rows >= 0])

    def forget_records(self, block: IdBlock, offsets: Collection[int]) -> IdBlock | None:
        """Remove the ids that *block*, which was added, has from *offsets*; the rest of it."""
        gone = np.isin(block.offsets, list(offsets))
        self.forget(block.high[gone], block.low[gone])
        return None if gone.all() else block.rows(np.flatnonzero(~gone))

    def _newest(self, block: IdBlock) -> Segment:
        newest = self._segments[-1] if self._segments else None
        if newest is None or not newest.takes(block, span_ms=max(1, self.window_ms // 4)):
            capacity = _power_of_two(max(FIRST_CAPACITY, len(self)))
            newest = Segment(min(capacity, MAX_CAPACITY), block)
            self._segments.append(newest)
        return newest

    def _forget_before(self, appended_ms: int) -> None:
        """Drop segments whose newest id was appended before *appended_ms*."""
        self._segments = [one for one in self._segments if one.last_ms >= appended_ms]


def _power_of_two(number: int) -> int:
    return 1 << max(number - 1, 1).bit_length()
