"""Detects a partition that brings almost only rejects, and slows it down.

A faulty producer would otherwise fill the topic of dead letters and the disk at full speed.
Nothing is dropped: the partition is written and read no faster than rejects may pass, and its lag
grows instead. The other partitions of its topic and worker go on (`streams/pacing/throttle.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

# How many of a partition's last records count.
LAST_RECORDS = 2_000


@dataclass(frozen=True, slots=True)
class RejectSpikeLimits:
    """From which share of rejects on it is a spike, and how many rejects a second may pass then."""

    share: float
    rejects_per_second: float


class RejectSpikeGuard:
    """Watches the rejects of one partition."""

    def __init__(self, limits: RejectSpikeLimits) -> None:
        self._limits = limits
        self._records = 0.0
        self._rejects = 0.0
        self.spiking = False

    def pause_seconds(self, records: int, rejects: int) -> float:
        """Note a fetched batch; how long to wait once it is written, 0 unless there is a spike.

        The share is taken over about the last LAST_RECORDS records, older ones fading out, and only
        once that many were seen: a few bad records after a start are no spike.
        """
        keep = max(0.0, 1 - records / LAST_RECORDS)
        self._records = self._records * keep + records
        self._rejects = self._rejects * keep + rejects
        enough = self._records >= LAST_RECORDS / 2
        self.spiking = enough and self._rejects > self._limits.share * self._records
        return rejects / self._limits.rejects_per_second if self.spiking else 0.0
