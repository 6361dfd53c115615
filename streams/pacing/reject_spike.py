"""What if a partition brings almost nothing but rejects? Say so loudly, and let them pass slowly.

A producer gone wrong would otherwise fill the topic of dead letters and the disk at full speed.
Nothing is dropped: the partition is written and read no faster than rejects may pass, and its lag
grows instead. The other partitions of its topic and its worker go on (`streams/pacing/throttle.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

# How many of a partition's last records are looked at.
LAST_RECORDS = 2_000


@dataclass(frozen=True, slots=True)
class RejectSpikeLimits:
    """From which share of rejects on it is a flood, and how many rejects a second may pass then."""

    share: float
    rejects_per_second: float


class RejectSpikeGuard:
    """Watches the rejects of one partition."""

    def __init__(self, limits: RejectSpikeLimits) -> None:
        self._limits = limits
        self._records = 0.0
        self._rejects = 0.0
        self.flooding = False

    def pause_seconds(self, records: int, rejects: int) -> float:
        """Note a slice; how long to wait once it is written, 0 unless it is a flood.

        The share is taken over about the last LAST_RECORDS records, older ones fading out, and
        only once that many were seen: a few bad records after a start are no flood.
        """
        keep = max(0.0, 1 - records / LAST_RECORDS)
        self._records = self._records * keep + records
        self._rejects = self._rejects * keep + rejects
        enough = self._records >= LAST_RECORDS / 2
        self.flooding = enough and self._rejects > self._limits.share * self._records
        return rejects / self._limits.rejects_per_second if self.flooding else 0.0
