"""The partition writer: judges a partition's records and writes the results in order.

The order that keeps the promise, for each insert batch (a contiguous range of offsets), and what a
crash at each step costs, is the table in failpoints/write_order.py. One insert batch is written at
a time; what arrives meanwhile becomes the next, so insert batches grow with the load.

In a reject spike the writer pauses between two insert batches, and its partition is fetched again
only when nothing of it is queued: the agent, which all partitions of the topic share, does not wait
for the pause.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import failpoints
from streams.alarms import retention_passed
from streams.fetch.fetched_batch import FetchedBatch, Partition, joined
from streams.judge.judge import Judge, Judged, remember
from streams.pacing.memory_limit import MemoryLimit
from streams.pacing.rate_meter import RateMeter
from streams.pacing.reject_spike import RejectSpikeGuard
from streams.pacing.throttle import Throttle
from streams.partition.durable_writes import DurableWrites, InsertBatch
from streams.partition.refusals import forget, judge_without
from streams.recovery.recovery_offset import RecoveryOffset

logger = logging.getLogger(__name__)

# How long offsets that were fetched again and still did not arrive are not reported again.
REPORT_AGAIN_SECONDS = 2.0

# Judging costs a millisecond or two however few records there are: so many are worth that.
ENOUGH_TO_JUDGE = 2_000

# From here on an insert's fixed cost is small: waiting for more rows gains nothing.
ENOUGH_ROWS = 20_000

# A few rows cost the store as much as some thousand: rare event types wait a little longer, so that
# frequent ones need not. Under heavy load all of them do: inserts and the merges after them are
# most of what an event costs the store, and fewer of them leave more capacity for events.
FEW_ROWS = 1_000
MANY_RECORDS_A_SECOND = 25_000
LONGEST_WAIT = 2.5


@dataclass(frozen=True, slots=True)
class Pacing:
    """How much is written at once, and how long to wait between two inserts."""

    max_rows: int
    max_bytes: int
    pause_share: float
    max_pause_seconds: float


# Called once a fetched batch is stored.
Acknowledge = Callable[[], object]


@dataclass(slots=True)
class _Pending:
    """Contiguous fetched batches, judged together once they hold enough records."""

    taken_at: float
    acknowledge: list[Acknowledge] = field(default_factory=list)
    fetched_batches: list[FetchedBatch] = field(default_factory=list)
    records: int = 0
    value_bytes: int = 0
    end: int = 0  # the first offset past the fetched batches
    appended_ms: tuple[int, int] = (0, 0)  # the earliest and the latest
    # The joined batches, and their judgement.
    fetched: FetchedBatch | None = None
    judged: Judged | None = None
    # How long the writer is to pause once these are written.
    pause_seconds: float = 0.0

    def add(self, acknowledge: Acknowledge, fetched: FetchedBatch | None, size_bytes: int) -> None:
        """Append a fetched batch; None stands for one of which nothing is left."""
        self.acknowledge.append(acknowledge)
        if fetched is None:
            return
        times = fetched.span_ms
        earliest, latest = self.appended_ms if self.end else times
        self.appended_ms = min(earliest, times[0]), max(latest, times[1])
        self.fetched_batches.append(fetched)
        self.records += len(fetched)
        self.value_bytes += size_bytes
        self.end = fetched.end


def _judgements(parts: Sequence[_Pending]) -> list[Judged]:
    return [part.judged for part in parts if part.judged is not None]


class PartitionWriter:
    """Takes fetched batches of one partition and writes them in insert batches."""

    def __init__(  # noqa: PLR0913 - keyword-only collaborators
        self,
        partition: Partition,
        *,
        judge: Judge,
        recovery: Callable[[FetchedBatch], Awaitable[RecoveryOffset]],
        writes: DurableWrites,
        rewind: Callable[[Partition, int], Awaitable[None]],
        log_start: Callable[[Partition], Awaitable[int]],
        memory_limit: MemoryLimit,
        pacing: Pacing,
        spike_guard: RejectSpikeGuard,
        rate_meter: RateMeter,
    ) -> None:
        self.partition = partition
        self._judge = judge
        self._find_recovery_offset = recovery
        self._writes = writes
        self._rewind = rewind
        self._log_start = log_start
        self._memory_limit = memory_limit
        self._pacing = pacing
        self._spike_guard = spike_guard
        self._rate_meter = rate_meter
        self._recovery: RecoveryOffset | None = None
        self._next = 0
        self._incarnation = ""
        self._rewound_to: int | None = None
        self._rewound_at = 0.0
        self._pending: deque[_Pending] = deque()
        self._pending_bytes = 0
        self._changed = asyncio.Condition()
        self._closed = False
        self._dropped = False
        self._throttle = Throttle()

    async def take(self, acknowledge: Acknowledge, fetched: FetchedBatch) -> None:
        """Queue *fetched*; returns when it is queued, not when it is stored.

        It is judged with its neighbours, now or when its insert batch is written.

        Waits while too many bytes are queued, which makes Faust stop fetching the partition; the
        other partitions of the topic wait with it. It waits only for the store: a pause for a
        reject spike is cut short meanwhile. After `close` batches are dropped: they are delivered
        again to the partition's owner.
        """
        await self._room()
        if self._closed:
            return
        if self._recovery is None:
            self._recovery = await self._find_recovery_offset(fetched)
            self._next = self._recovery.next_offset
            self._incarnation = fetched.incarnation
        if fetched.follows > self._next and not await self._pass_what_is_gone(fetched.follows):
            await self._go_back(fetched)
            return
        await self._queue(acknowledge, fetched.after(self._next - 1))

    def _judge_now(self, pending: _Pending) -> None:
        pending.fetched = fetched = joined(pending.fetched_batches)
        pending.judged = Judged()
        if fetched and len(fetched) and self._recovery is not None:
            pending.judged = remember(self._judge(fetched, self._recovery.stored))
        pending.fetched_batches.clear()
        pending.pause_seconds = self._watch_rejects(pending.judged)

    def _judge_again(
        self, parts: Sequence[_Pending], refused: Collection[int], stored: Mapping[int, int]
    ) -> list[Judged]:
        """The judgement of *parts* without the records at the offsets *refused*, none stored.

        *stored* are offsets of those that are stored. All that was judged meanwhile is judged
        again, too: it may have been compared with what was refused.
        """
        known = {**(self._recovery.stored if self._recovery else {}), **stored}
        judged = [pending for pending in self._pending if pending.judged is not None]
        for pending in judged:
            forget(pending.judged or Judged(), refused)
        for pending in judged:
            if pending.fetched and len(pending.fetched):
                pending.judged = remember(
                    judge_without(
                        pending.fetched, refused, lambda fetched: self._judge(fetched, known)
                    )
                )
        return _judgements(parts)

    def _watch_rejects(self, judged: Judged) -> float:
        """How long to pause for *judged* in a reject spike; raises an alarm when one begins."""
        counts = judged.counts
        was_spiking = self._spike_guard.spiking
        pause_seconds = self._spike_guard.pause_seconds(counts.records, counts.rejected)
        if self._spike_guard.spiking and not was_spiking:
            self._writes.metrics.alarm("reject_flood")
            logger.error(
                "%s: most records are rejected; read slowly from now on. `railhead rejected list` "
                "shows why; correct the producer.",
                self.partition,
            )
        return pause_seconds

    async def _pass_what_is_gone(self, follows: int) -> bool:
        """Whether all before *follows* that was not taken is gone, deleted by retention.

        What is gone is skipped with an alarm, and the ledger keeps the hole.
        """
        start = await self._log_start(self.partition)
        if start <= self._next:
            return False
        # An insert batch must not span the hole: what is queued is written first.
        await self.drained()
        if self._closed or self._recovery is None:
            return False
        retention_passed(self.partition, (self._next, start - 1), self._writes.metrics)
        self._next = self._recovery.base = start
        return start >= follows

    async def _go_back(self, fetched: FetchedBatch) -> None:
        """A batch before *fetched* did not arrive: fetch again from this writer's next offset.

        Each time, as *fetched* may have been fetched before the last time or after it. Each batch
        that was on its way then costs one more fetch, and no more than that.
        """
        now = asyncio.get_running_loop().time()
        if self._rewound_to != self._next or now - self._rewound_at > REPORT_AGAIN_SECONDS:
            self._rewound_to, self._rewound_at = self._next, now
            self._writes.metrics.alarm("missing_slice")
            logger.warning(
                "%s: offsets %d to %d did not arrive; fetched again.",
                self.partition,
                self._next,
                fetched.follows - 1,
            )
        try:
            await self._rewind(self.partition, self._next)
        except Exception:
            # The partition may have gone to another worker meanwhile.
            if not self._closed:
                raise

    async def _room(self) -> None:
        while not self._closed and not self._memory_limit.has_room(self._pending_bytes):
            with self._throttle.hurried():
                await self._memory_limit.wait_for_room(self._pending_bytes)

    async def _queue(self, acknowledge: Acknowledge, rest: FetchedBatch | None) -> None:
        size_bytes = 0 if rest is None else rest.held_bytes
        async with self._changed:
            if self._closed:
                return
            if not self._pending or self._pending[-1].judged is not None:
                self._pending.append(_Pending(asyncio.get_running_loop().time()))
            newest = self._pending[-1]
            newest.add(acknowledge, rest, size_bytes)
            if rest is not None:
                self._next = rest.end
                self._rate_meter.note(len(rest))
            self._pending_bytes += size_bytes
            self._memory_limit.take(size_bytes)
            if newest.records >= ENOUGH_TO_JUDGE:
                self._judge_now(newest)
            self._changed.notify_all()

    async def run(self) -> None:
        """Write insert batches until cancelled or closed; `refuse` does not drop what is queued.

        Trouble with the store or the broker raises nothing: the batch is held until written.
        """
        clock = asyncio.get_running_loop().time
        while not self._dropped:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._pending))
            await self._throttle.take()
            if self._dropped:
                return
            began = clock()
            parts = self._next_insert()
            await self._write(parts)
            took = clock() - began
            self._throttle.add_debt(sum(part.pause_seconds for part in parts))
            self._writes.metrics.range_seconds.observe(took)
            await asyncio.sleep(self._pause(took, sum(part.records for part in parts)))

    def _pause(self, took_seconds: float, records: int) -> float:
        """How long to let the next insert batch grow; 0 when it is large enough already."""
        queued = sum(pending.records for pending in self._pending)
        if (
            queued >= min(ENOUGH_ROWS, self._pacing.max_rows)
            or 2 * self._pending_bytes >= self._pacing.max_bytes
        ):
            return 0.0
        longest = self._pacing.max_pause_seconds
        if records < FEW_ROWS or self._rate_meter.per_second > MANY_RECORDS_A_SECOND:
            longest *= LONGEST_WAIT
        return min(took_seconds * self._pacing.pause_share, longest)

    def _next_insert(self) -> list[_Pending]:
        """The oldest queued records, judged, as many as one insert may cover; they stay queued."""
        chosen: list[_Pending] = []
        rows = size_bytes = 0
        for pending in self._pending:
            rows += pending.records
            size_bytes += pending.value_bytes
            too_much = rows > self._pacing.max_rows or size_bytes > self._pacing.max_bytes
            if chosen and too_much:
                break
            if pending.judged is None:
                self._judge_now(pending)
            chosen.append(pending)
        return chosen

    async def _write(self, parts: list[_Pending]) -> None:
        covered = [part for part in parts if part.end]
        if covered and self._recovery is not None:
            await self._writes.write(
                InsertBatch(
                    self.partition,
                    self._recovery.base,
                    covered[-1].end - 1,
                    min(part.appended_ms[0] for part in covered),
                    max(part.appended_ms[1] for part in covered),
                    self._incarnation,
                    self._recovery.generation,
                ),
                _judgements(covered),
                partial(self._judge_again, covered),
            )
            self._recovery.base = covered[-1].end
        failpoints.passing("worker.before_ack")
        async with self._changed:
            for part in parts if not self._dropped else ():
                self._pending.popleft()
                self._pending_bytes -= part.value_bytes
                self._memory_limit.stored(part.value_bytes)
                for acknowledge in part.acknowledge:
                    acknowledge()
            self._changed.notify_all()
        failpoints.passing("worker.after_ack")

    def refuse(self) -> None:
        """Take no more; what is queued is still written. The rest is delivered to another owner."""
        self._closed = True
        self._throttle.flush()

    async def drained(self) -> None:
        """Return when nothing is queued that is still to be written; pauses are skipped."""
        with self._throttle.hurried():
            async with self._changed:
                await self._changed.wait_for(lambda: self._dropped or not self._pending)

    async def close(self) -> None:
        """Drop what is queued: it is not acknowledged, so it is delivered again to the owner."""
        async with self._changed:
            self._closed = self._dropped = True
            self._throttle.flush()
            self._changed.notify_all()
        self._memory_limit.give_back(self._pending_bytes)
        self._pending_bytes = 0

    @property
    def next_offset(self) -> int:
        """The first offset not taken yet."""
        return self._next

    @property
    def has_room(self) -> bool:
        """Whether more may be taken now."""
        return not self.paused and self._memory_limit.has_room(self._pending_bytes)

    @property
    def paused(self) -> bool:
        """Whether not to fetch the partition now: in a spike, while some of it is queued."""
        return bool(self._pending) and (self._spike_guard.spiking or self._throttle.has_debt)

    @property
    def waiting_since(self) -> float | None:
        """Loop time since which the oldest batch not yet stored has waited for the store alone.

        None when there is none, and during a pause. Pauses are intended: a batch that waits for one
        is not stuck, however long ago it was taken.
        """
        return self._throttle.left_out(self._pending[0].taken_at) if self._pending else None
