"""Which offsets of each partition were handed on, and from where it is to be fetched again.

A slice says which offsets it speaks of, from the position of its fetch to the position after it, so
what was handed on of a partition lies end to end. Fetched slices may still get lost on their way
(a cancelled fetch, a rebalance, a cleared queue). Two places look, and both know only offsets:

- the consumer (`FetchPositions`): once a fetch has ended, a position past what was handed on means
  that slices were given to nobody;
- the writer of the partition (`streams/writer.py`): a slice that begins past the writer's next offset
  means that one before it did not arrive.

Both go back, and any number of times: what comes twice is known by its offsets.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Tp = TypeVar("Tp", bound=Hashable)


class FetchPositions(Generic[Tp]):
    """Where the slices handed on of each partition end; a partition not known says nothing."""

    def __init__(self) -> None:
        self._ends: dict[Tp, int] = {}

    def clear(self) -> None:
        """Forget all partitions: they were assigned anew."""
        self._ends.clear()

    def go_to(self, tp: Tp, offset: int) -> None:
        """Note that *tp* is fetched from *offset* on, whatever was handed on before."""
        self._ends[tp] = offset

    def hand_on(self, tp: Tp, follows: int, end: int) -> None:
        """Note that a slice from *follows* to before *end* was handed on; a hole stays one."""
        if follows <= self._ends.get(tp, follows):
            self._ends[tp] = end

    def lost_from(self, tp: Tp, position: int, *, log_start: int) -> int | None:
        """From where to fetch again, when no fetch is on and the position is *position*.

        None when all that the broker still has before the position was handed on. Nothing before
        *log_start* can be fetched: where that begins past what was handed on, the writer is to see
        the hole, and it is passed here.
        """
        if tp not in self._ends:
            return None
        self._ends[tp] = end = max(self._ends[tp], min(log_start, position))
        return end if end < position else None
