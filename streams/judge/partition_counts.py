"""Keeps over how many partitions a topic's ids are spread, and reports when that changes."""

from __future__ import annotations

from collections.abc import Callable, Collection

from streams.alarms import partitions_changed
from streams.metrics import WorkerMetrics

# A topic's partitions in Kafka's metadata; None or empty while they do not know the topic.
Partitions = Callable[[str], Collection[int] | None]


class PartitionCounts:
    """The number of partitions of each topic, as *partitions_of* has it now."""

    def __init__(self, partitions_of: Partitions, metrics: WorkerMetrics) -> None:
        self._partitions_of = partitions_of
        self._metrics = metrics
        self._known: dict[str, int] = {}

    def of(self, topic: str) -> int:
        """How many there are; the last known number while the metadata do not know the topic.

        Raises:
            LookupError: they never did.
        """
        count = len(self._partitions_of(topic) or ())
        before = self._known.get(topic)
        if not count:
            if before is None:
                raise LookupError(f"The number of partitions of {topic} is not known yet.")
            return before
        if before is not None and before != count:
            partitions_changed(topic, before, count, self._metrics)
        self._known[topic] = count
        return count
