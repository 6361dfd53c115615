"""Ends the process when a partition starts again with other records.

aiokafka starts over by itself when a topic was recreated or has lost its end. The partition writer
would take the new records for old ones; the next process asks the store what it has. Topic ids
(streams/faust/fetch_by_id.py) do not show a lost end, and old brokers have none.
"""

from __future__ import annotations

from streams.alarms import end_at_lower_offsets
from streams.fetch.fetched_batch import FetchedBatch, Partition


class IncarnationGuard:
    """Of the records handed on: the last offset and the latest append time, per partition."""

    def __init__(self) -> None:
        self._newest: dict[Partition, tuple[int, int]] = {}

    def clear(self) -> None:
        """Forget all partitions: there is a new assignment."""
        self._newest.clear()

    def check(self, fetched: FetchedBatch, highwater: int | None) -> None:
        """End the process if *fetched* holds other records than were handed on at its offsets.

        *highwater* is where the partition ends, None while that is not known.
        """
        if not len(fetched):
            return
        last, latest_ms = self._newest.get(fetched.partition, (-1, 0))
        first_ms, last_ms = int(fetched.appended_ms[0]), int(fetched.appended_ms[-1])
        if fetched.first <= last and (first_ms > latest_ms or (highwater or last + 1) <= last):
            end_at_lower_offsets(fetched.partition, fetched.first, last)
        self._newest[fetched.partition] = (fetched.last, max(latest_ms, last_ms))
