"""Detects changelog records that were fetched but not given to recovery.

Faust's recovery takes the highest offset it was given as proof that it was given all below. A
record that was fetched and then dropped (by a rebalance meanwhile) would leave a hole in the dedup
index, and repeats of those ids would count as first occurrences.
"""

from __future__ import annotations

from faust.types import TP


class GapDetector:
    """What recovery was given of each changelog partition since the last rebalance."""

    def __init__(self) -> None:
        self._given: dict[TP, int] = {}
        self._gone_back: dict[TP, int] = {}

    def clear(self) -> None:
        """Start over: what was given and not yet applied is lost with a rebalance."""
        self._given.clear()
        self._gone_back.clear()

    def give(self, tp: TP, offset: int) -> None:
        """Note that recovery is given the record at *offset*."""
        self._given[tp] = offset

    def following(self, tp: TP, applied: int) -> int:
        """The offset that recovery is to be given next; it has read up to *applied*."""
        return max(self._given.get(tp, -1), applied) + 1

    def holds_nothing(self, tp: TP, following: int) -> bool:
        """Whether a fetch from *following* on that gave nothing means that nothing is there.

        The first may have got lost and is to be repeated; the second is believed.
        """
        asked_before = self._gone_back.get(tp) == following
        self._gone_back[tp] = following
        return asked_before

    def missing_from(self, tp: TP, first: int, *, applied: int | None) -> int | None:
        """The offset to go back to when records before *first* were not given; None if all were.

        *applied* is the offset up to which recovery has read, None when it does not say. Going
        back is asked for once: what is not there then was deleted by retention.
        """
        if applied is None:
            return None
        following = self.following(tp, applied)
        if first <= following or self._gone_back.get(tp) == following:
            return None
        self._gone_back[tp] = following
        return following
