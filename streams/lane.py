"""In which order is everything written? A lane: the one writer of one partition.

The order that keeps the promise, for each contiguous range of offsets:

1. the rows (one insert, deterministic token), the conflicts, the dead letters and the
   changelog block of new ids, each until confirmed;
2. then the ledger row of the range;
3. then the slices are acknowledged to Faust, oldest first, which lets their offsets be committed.

Die before 1 is complete: the range comes again; ids are known at their own offsets, so they are
first sightings again, and rows the store has already are left out. Die between 2 and 3: the
ledger says the range is done and it is skipped. One range is in work at a time; what arrives
meanwhile becomes the next one, so ranges grow with the load by themselves.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import failpoints
from streams.alarms import retention_passed
from streams.budget import Budget
from streams.flood import FloodGuard
from streams.judge import Judged
from streams.resume import Resume
from streams.slices import Partition, Slice
from streams.writers import Range, Writers

logger = logging.getLogger(__name__)

# Slices that were on their way when a lane went back are let go; later than this it was in vain.
REWIND_AGAIN_SECONDS = 2.0

# From here on an insert's fixed cost is small beside its rows: nothing is gained by waiting.
ENOUGH_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Pacing:
    """How much is written at once, and how long to wait between two inserts."""

    max_rows: int
    max_bytes: int
    pause_share: float
    max_pause_seconds: float


@dataclass(frozen=True, slots=True)
class _Pending:
    event: Any
    judged: Judged
    last: int
    records: int
    value_bytes: int
    appended_ms: tuple[int, int]


class Lane:
    """Takes slices of one partition and writes them range by range."""

    def __init__(  # noqa: PLR0913 - keyword-only collaborators
        self,
        partition: Partition,
        *,
        judge: Callable[[Slice, Mapping[int, int]], Judged],
        resume: Callable[[Slice], Any],
        writers: Writers,
        acknowledge: Callable[[Any], None],
        rewind: Callable[[Partition, int], Awaitable[None]],
        log_start: Callable[[Partition], Awaitable[int]],
        budget: Budget,
        pacing: Pacing,
        flood: FloodGuard,
    ) -> None:
        self.partition = partition
        self._judge = judge
        self._find_resume = resume
        self._writers = writers
        self._acknowledge = acknowledge
        self._rewind = rewind
        self._log_start = log_start
        self._budget = budget
        self._pacing = pacing
        self._flood = flood
        self._resume: Resume | None = None
        self._next = 0
        self._rewound_to: int | None = None
        self._rewound_at = 0.0
        self._pending: deque[_Pending] = deque()
        self._pending_bytes = 0
        self._changed = asyncio.Condition()
        self._closed = False
        self._dropped = False
        self.taken_at: deque[float] = deque()

    async def take(self, event: Any, piece: Slice) -> None:
        """Judge *piece* and queue it; returns when it is queued, not when it is stored.

        Waits while too many bytes are queued, which makes Faust stop fetching the partition.
        After `close` slices are dropped: they are delivered again to the partition's owner.
        """
        await self._room()
        if self._closed:
            return
        if self._resume is None:
            self._resume = await self._find_resume(piece)
            self._next = self._resume.next_offset
        if piece.follows > self._next and not await self._pass_what_is_gone(piece.follows):
            await self._go_back(piece)
            return
        rest = piece.after(self._next - 1)
        judged = Judged() if rest is None else self._judge(rest, self._resume.stored)
        await self._queue(event, rest, judged)
        await self._slow_down(judged)

    async def _slow_down(self, judged: Judged) -> None:
        """Wait when the partition brings a flood of rejects, and say so when one begins."""
        counts = judged.counts
        records = counts.stored + counts.duplicates + counts.conflicts + counts.rejected
        was_flooding = self._flood.flooding
        pause = self._flood.pause_seconds(records, counts.rejected)
        if self._flood.flooding and not was_flooding:
            self._writers.metrics.alarm("reject_flood")
            logger.error(
                "%s: most records are rejected; read slowly from now on. `railhead rejected list` "
                "tells why; mend the producer.",
                self.partition,
            )
        if pause:
            await asyncio.sleep(pause)

    async def _pass_what_is_gone(self, follows: int) -> bool:
        """Whether all before *follows* that was not taken is gone, deleted by retention.

        What is gone is passed with an alarm, and the ledger keeps the hole.
        """
        start = await self._log_start(self.partition)
        if start <= self._next:
            return False
        # A range must not reach over the hole: what is queued is written before.
        await self.drained()
        if self._closed or self._resume is None:
            return False
        retention_passed(self.partition, (self._next, start - 1), self._writers.metrics)
        self._next = self._resume.base = start
        return start >= follows

    async def _go_back(self, piece: Slice) -> None:
        """A slice before *piece* did not arrive: fetch again from where this lane is."""
        now = asyncio.get_running_loop().time()
        if self._rewound_to != self._next or now - self._rewound_at > REWIND_AGAIN_SECONDS:
            self._rewound_to, self._rewound_at = self._next, now
            self._writers.metrics.alarm("missing_slice")
            logger.warning(
                "%s: offsets %d to %d did not arrive; fetched again.",
                self.partition,
                self._next,
                piece.follows - 1,
            )
            try:
                await self._rewind(self.partition, self._next)
            except Exception:
                # The partition may have gone to another worker meanwhile.
                if not self._closed:
                    raise

    async def _room(self) -> None:
        while not self._closed and not self._budget.has_room(self._pending_bytes):
            await self._budget.wait_for_room(self._pending_bytes)

    async def _queue(self, event: Any, rest: Slice | None, judged: Judged) -> None:
        last = self._next - 1 if rest is None else rest.last
        span = (0, 0) if rest is None else (int(rest.appended_ms[0]), int(rest.appended_ms[-1]))
        size = 0 if rest is None else rest.value_bytes
        async with self._changed:
            if self._closed:
                return
            self._next = last + 1
            self._pending.append(
                _Pending(event, judged, last, 0 if rest is None else len(rest), size, span)
            )
            self._pending_bytes += size
            self._budget.take(size)
            self.taken_at.append(asyncio.get_running_loop().time())
            self._changed.notify_all()

    async def run(self) -> None:
        """Write range after range until cancelled or closed.

        Trouble with the store or the broker raises nothing: the range is held until written.
        """
        clock = asyncio.get_running_loop().time
        while not self._closed:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._pending))
            began = clock()
            await self._write(self._next_range())
            self._writers.metrics.range_seconds.observe(clock() - began)
            await asyncio.sleep(self._pause(clock() - began))

    def _pause(self, took_seconds: float) -> float:
        queued = sum(pending.records for pending in self._pending)
        if queued >= min(ENOUGH_ROWS, self._pacing.max_rows):
            return 0.0
        return min(took_seconds * self._pacing.pause_share, self._pacing.max_pause_seconds)

    def _next_range(self) -> list[_Pending]:
        """The oldest queued slices, as many as one insert may cover; they stay queued."""
        chosen: list[_Pending] = []
        rows = size_bytes = 0
        for pending in self._pending:
            rows += pending.records
            size_bytes += pending.value_bytes
            too_much = rows > self._pacing.max_rows or size_bytes > self._pacing.max_bytes
            if chosen and too_much:
                break
            chosen.append(pending)
        return chosen

    async def _write(self, parts: list[_Pending]) -> None:
        covered = [part for part in parts if part.records]
        if covered and self._resume is not None:
            await self._writers.write(
                Range(
                    self.partition,
                    self._resume.base,
                    covered[-1].last,
                    covered[0].appended_ms[0],
                    covered[-1].appended_ms[1],
                ),
                [part.judged for part in covered],
            )
            self._resume.base = covered[-1].last + 1
        failpoints.passing("worker.before_ack")
        async with self._changed:
            for part in parts if not self._dropped else ():
                self._pending.popleft()
                self.taken_at.popleft()
                self._pending_bytes -= part.value_bytes
                self._budget.give_back(part.value_bytes)
                self._acknowledge(part.event)
            self._changed.notify_all()
        failpoints.passing("worker.after_ack")

    def refuse(self) -> None:
        """Take no more; what is queued is still written. The rest is delivered to another owner."""
        self._closed = True

    async def drained(self) -> None:
        """Return when nothing is queued."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._pending)

    async def close(self) -> None:
        """Drop what is queued: it is not acknowledged, so it is delivered again to the owner."""
        async with self._changed:
            self._closed = self._dropped = True
            self._changed.notify_all()
        self._budget.give_back(self._pending_bytes)
        self._pending_bytes = 0

    @property
    def next_offset(self) -> int:
        """The first offset not taken yet."""
        return self._next

    @property
    def has_room(self) -> bool:
        """Whether more may be taken now."""
        return self._budget.has_room(self._pending_bytes)

    @property
    def oldest_taken_at(self) -> float | None:
        """Loop time at which the oldest slice not yet stored was taken; None when none is."""
        return self.taken_at[0] if self.taken_at else None
