"""Tracks which offsets of each partition may be committed.

Only up to the start of the oldest batch that is not acknowledged: Faust's own rule can pass
unprocessed offsets (pitfalls.md#a2), and counts a commit that failed as made (pitfalls.md#a11).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from time import monotonic

from faust.types import TP


class CommitTracker:
    """The batches delivered and not yet committed; each is named by its last offset.

    *acked* are those that were acknowledged, per partition: the code that acknowledges adds to it.
    `failed` are offsets that the broker did not take; the next commit includes them.
    """

    def __init__(self, acked: defaultdict[TP, set[int]]) -> None:
        self.failed: dict[TP, int] = {}
        self._acked = acked
        self._delivered: defaultdict[TP, deque[int]] = defaultdict(deque)  # oldest first
        # Since when a partition has something to commit of which nothing was committed.
        self._waiting_since: dict[TP, float] = {}

    def deliver(self, tp: TP, follows: int, end: int) -> None:
        """Note that a batch from *follows* to before *end* was delivered."""
        delivered = self._delivered[tp]
        # What is delivered again is acknowledged by its new batches.
        while delivered and delivered[-1] >= follows:
            delivered.pop()
        delivered.append(end - 1)

    def rewind(self, tp: TP, offset: int) -> None:
        """Forget the batches of *tp* that end at or past *offset*: they are delivered again."""
        self._delivered[tp] = deque(last for last in self._delivered[tp] if last < offset)
        self._acked[tp] = {last for last in self._acked[tp] if last < offset}

    def rewind_all(self) -> None:
        """Forget every batch that is not committed: all are delivered again."""
        self._delivered.clear()
        self._acked.clear()

    @property
    def pending(self) -> set[TP]:
        """The partitions with anything acknowledged or failed."""
        return {tp for tp, acked in self._acked.items() if acked} | self.failed.keys()

    def next_commit(self, tp: TP) -> int | None:
        """The offset to commit, one past the last batch of the acknowledged prefix; None: none."""
        delivered, acked = self._delivered[tp], self._acked[tp]
        end = None
        while delivered and delivered[0] in acked:
            end = delivered.popleft()
        # The others were committed just now, or were delivered again in other batches.
        acked.intersection_update(delivered)
        return self.failed.get(tp) if end is None else end + 1

    def note(self, offsets: Mapping[TP, int], *, committed: bool) -> None:
        """Note whether the broker took the commit of *offsets*."""
        if not committed:
            self.failed.update(offsets)
            return
        for tp in offsets:
            self.failed.pop(tp, None)
            self._waiting_since.pop(tp, None)

    def uncommitted_seconds(self) -> float:
        """How long a partition has had acknowledged offsets without a commit; 0: none has any.

        Call it regularly: the time counts from the call that first saw it.
        """
        now = monotonic()
        self._waiting_since = {tp: self._waiting_since.get(tp, now) for tp in self.pending}
        return now - min(self._waiting_since.values(), default=now)
