"""CPU time and memory of processes, sampled 20 times a second."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import numpy as np

# Results are also read where nothing is measured; `railhead bench` says when it is missing.
with contextlib.suppress(ImportError):
    import psutil

EVERY_SECONDS: Final = 0.05


@dataclass(slots=True)
class Track:
    """What one process had used at each moment: seconds of CPU so far, resident bytes."""

    moments: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    resident_bytes: list[int] = field(default_factory=list)

    def cpu_between(self, start: float, end: float) -> float:
        """Seconds of CPU used from *start* to *end*, both in seconds since 1970."""
        return self._cpu_at(end) - self._cpu_at(start)

    def peak_bytes(self, start: float, end: float) -> int:
        """The most resident bytes sampled from *start* to *end*; 0 if nothing was sampled."""
        pairs = zip(self.moments, self.resident_bytes, strict=True)
        return max((size for at, size in pairs if start <= at <= end), default=0)

    def _cpu_at(self, moment: float) -> float:
        return float(np.interp(moment, self.moments, self.cpu_seconds)) if self.moments else 0.0


@dataclass(frozen=True, slots=True)
class Use:
    """What a process used in a window: CPU a unit of work, and the most memory."""

    cpu_us_per_event: float
    cpu_share: float
    peak_mib: float


class Usage:
    """The tracks of some processes, by name."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self.tracks = {name: Track() for name in pids}

    def note(self) -> None:
        """Sample what each process has used by now; one that is gone keeps its last sample."""
        for name, process in list(self._processes.items()):  # `add` comes from another thread
            with contextlib.suppress(psutil.Error), process.oneshot():
                times, memory = process.cpu_times(), process.memory_info()
                track = self.tracks[name]
                track.moments.append(time.time())
                track.cpu_seconds.append(times.user + times.system)
                track.resident_bytes.append(memory.rss)

    def add(self, name: str, pid: int) -> None:
        """Follow another process from now on; it replaces one of the same name."""
        self.tracks[name] = Track()
        with contextlib.suppress(psutil.NoSuchProcess):
            self._processes[name] = psutil.Process(pid)

    def between(self, start: float, end: float, *, events: int) -> dict[str, Use]:
        """What each process used from *start* to *end* for *events* events."""
        return {
            name: Use(
                cpu_us_per_event=round(1e6 * track.cpu_between(start, end) / max(1, events), 2),
                cpu_share=round(track.cpu_between(start, end) / max(end - start, 1e-9), 3),
                peak_mib=round(track.peak_bytes(start, end) / 2**20, 1),
            )
            for name, track in self.tracks.items()
        }


@contextmanager
def watched(pids: Mapping[str, int]) -> Iterator[Usage]:
    """Sample the usage of *pids* (a name for each) while the block runs."""
    usage, stop = Usage(pids), threading.Event()

    def run() -> None:
        while not stop.wait(EVERY_SECONDS):
            usage.note()

    thread = threading.Thread(target=run, name="usage", daemon=True)
    usage.note()
    thread.start()
    try:
        yield usage
    finally:
        stop.set()
        thread.join()
        usage.note()
