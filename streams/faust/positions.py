"""Tracks which offsets of each partition were handed on, and where to fetch again from.

A fetched batch states which offsets it covers, from the position of its fetch to the position after
it, so what was handed on of a partition is contiguous. Batches may still get lost on their way (a
cancelled fetch, a rebalance, a cleared queue). Two places check, and both know only offsets:

- the consumer (`FetchPositions`): once a fetch has ended, a position past what was handed on means
  that batches were given to nobody;
- the partition writer (`streams/partition/writer.py`): a batch that begins past its next offset
  means that one before it did not arrive.

Both go back, any number of times: what comes twice is recognised by its offsets.
"""

from __future__ import annotations

from collections.abc import Mapping

from faust.types import TP


class FetchPositions:
    """Where the batches handed on of each partition end; an unknown partition has none."""

    def __init__(self) -> None:
        self._ends: dict[TP, int] = {}

    def clear(self) -> None:
        """Forget all partitions: there is a new assignment."""
        self._ends.clear()

    def go_to(self, offsets: Mapping[TP, int]) -> None:
        """Note that partitions are fetched from *offsets* on, whatever was handed on before."""
        self._ends.update(offsets)

    def hand_on(self, tp: TP, follows: int, end: int) -> None:
        """Note that a batch from *follows* to before *end* was handed on; a hole stays a hole."""
        if follows <= self._ends.get(tp, follows):
            self._ends[tp] = end

    def lost_from(self, tp: TP, position: int, *, log_start: int) -> int | None:
        """Where to fetch again from, when no fetch is running and the position is *position*.

        None when all that the broker still has before the position was handed on. Nothing before
        *log_start* can be fetched: if that is past what was handed on, the hole is skipped here and
        the writer sees it.
        """
        if tp not in self._ends:
            return None
        self._ends[tp] = end = max(self._ends[tp], min(log_start, position))
        return end if end < position else None
