"""A partition, a broker and a store in memory, and a worker that can be killed at every step.

The worker's own code runs (PartitionWriter, PartitionWriters, decide, find_recovery_offset,
blocks); only what it talks to is simulated. Every call to the outside passes two numbered moments,
before and after its effect; a run can be made to die at any of them, like a process whose last call
may or may not have arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import numpy as np
import orjson
import pyarrow as pa
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from sinks.arrow import Rows, as_table
from sinks.errors import NonRetryableError, Retryable
from sinks.ledger import LedgerEntry
from streams.dedup.blocks import IdBlock, pack, unpack
from streams.dedup.index import DedupIndex
from streams.fetch.fetched_batch import FetchedBatch, Partition
from streams.judge import outcomes
from streams.judge.judge import Judged
from streams.judge.moved_from import NAME, MovedFrom
from streams.judge.moves import Move
from streams.judge.outcomes import OutcomeCounts
from streams.judge.rejects import RejectedRecord
from streams.metrics import WorkerMetrics
from streams.pacing.memory_limit import MemoryLimit
from streams.pacing.rate_meter import RateMeter
from streams.pacing.reject_spike import RejectSpikeGuard, RejectSpikeLimits
from streams.partition import durable_writes, mover, retry_policy, writer
from streams.partition.ledger import LedgerWriter
from streams.recovery import recovery_offset
from tests.sinks.memory import MemoryStore

PARTITION = Partition("topic", 0)
TABLE = "table"
OTHER = 1


class Killed(BaseException):
    """The worker died."""


@dataclass
class Moments:
    """Counts the moments of a run and kills it at one of them."""

    kill_at: int | None = None
    passed: int = 0

    def passing(self) -> None:
        """Die if this is the moment."""
        at, self.passed = self.passed, self.passed + 1
        if at == self.kill_at:
            raise Killed


@dataclass
class World:
    """What outlives a worker: the topic, its commit, the changelog, the store."""

    records: list[tuple[str, str]]
    committed: int | None = None
    changelog: list[bytes] = field(default_factory=list)
    store: SimStore = field(init=False)
    moments: Moments = field(default_factory=Moments)
    # Contents that the store refuses a row for, and the dead letters by the offset they are of.
    refuses: frozenset[str] = frozenset()
    dead_letters: dict[int, str] = field(default_factory=dict)
    timeouts: list[bool] = field(default_factory=list)
    # Inserts, the first one last, in which the store dies when it has noted the token.
    hollow: list[bool] = field(default_factory=list)
    log_start: int = 0
    # Whether each batch is written before the next is taken.
    one_by_one: bool = False
    # Batches, by their number in a fetch, that Faust loses on the way to the agent.
    dropped: set[int] = field(default_factory=set)
    # Ids that belong to another partition, what was sent on there, and answers, the first one last,
    # that do not come: "lost" with the batch, "late" when it is there.
    away: frozenset[str] = frozenset()
    elsewhere: list[tuple[str, str]] = field(default_factory=list)
    move_answers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = SimStore(self)

    @property
    def rows(self) -> list[tuple[int, str, str]]:
        """Offset, id and content of every row that was inserted."""
        rows = self.store.inserted(TABLE)
        return [(row["_offset"], row["id"], row["content"]) for row in rows]

    @property
    def ledger(self) -> list[LedgerEntry]:
        """The ranges that were finished, a zombie's too."""
        return self.store.ledger()

    @property
    def conflicts(self) -> set[int]:
        """The offsets of the conflicts that are kept."""
        return {row["offset"] for row in self.store.inserted("conflicts")}

    def batches(self, start: int, sizes: Sequence[int]) -> Iterator[FetchedBatch]:
        """The records from *start*, cut into batches of *sizes* (the last repeated)."""
        at, number = start, 0
        while at < len(self.records):
            size = sizes[min(number, len(sizes) - 1)]
            part = self.records[at : at + size]
            yield FetchedBatch(
                PARTITION,
                at,
                np.arange(at, at + len(part), dtype=np.int64),
                np.full(len(part), 1000, np.int64),
                [f"{key}={content}".encode() for key, content in part],
                [()] * len(part),
            )
            at, number = at + len(part), number + 1


class SimStore(MemoryStore):
    """The store of a world, with a moment before and after each effect, and the world's faults."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    async def insert(self, table: str, rows: Rows, *, token: str) -> None:
        """Store the rows unless the token is known; sometimes time out after the effect."""
        self._world.moments.passing()
        await asyncio.sleep(0)
        if self._world.refuses & set(as_table(rows).column("content").to_pylist()):
            raise NonRetryableError("a value does not fit its column")
        if self._world.hollow and not self.has_token(table, token) and self._world.hollow.pop():
            self.note_token(table, token)
            raise Retryable("the store died")
        await super().insert(table, rows, token=token)
        self._world.moments.passing()
        if self._world.timeouts and self._world.timeouts.pop():
            raise Retryable("the answer did not come in time")

    async def write_ledger(self, entries: Sequence[LedgerEntry]) -> None:
        """Note the ranges."""
        self._world.moments.passing()
        await asyncio.sleep(0)
        await super().write_ledger(entries)
        self._world.moments.passing()

    async def write_conflicts(self, rows: Rows) -> None:
        """Keep the conflicts."""
        self._world.moments.passing()
        await super().write_conflicts(rows)


@dataclass
class SimProducer:
    """The broker as a worker sees it that sends records on."""

    world: World
    moments: Moments

    async def partitions_for(self, _topic: str) -> set[int]:
        """There are two."""
        return {PARTITION.number, OTHER}

    async def send_batch(
        self, batch: BatchBuilder, _topic: str, *, partition: int
    ) -> asyncio.Future[None]:
        """Append the batch; sometimes it does not arrive, or its answer does not."""
        self.moments.passing()
        assert partition == OTHER
        await asyncio.sleep(0)
        answer = self.world.move_answers.pop() if self.world.move_answers else "answered"
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if answer == "lost":
            done.set_exception(KafkaError("the broker is gone"))
            return done
        for record in next_batch(batch):
            assert MovedFrom._fields == tuple(orjson.loads(dict(record.headers)[NAME]))
            key, content = record.value.decode().split("=")
            self.world.elsewhere.append((key, content))
        self.moments.passing()
        if answer == "late":
            done.set_exception(TimeoutError("the answer did not come in time"))
        else:
            done.set_result(None)
        return done


def next_batch(batch: BatchBuilder) -> Any:
    """The records of a batch as a consumer reads them."""
    return MemoryRecords(bytes(batch._build())).next_batch()


def judge(
    fetched: FetchedBatch,
    stored: Mapping[int, int],
    dedup_index: DedupIndex,
    away: frozenset[str] = frozenset(),
) -> Judged:
    """The worker's judgement with a check that takes everything: `id=content`."""
    pairs = [(value or b"").decode().split("=") for value in fetched.values]
    high = np.asarray([_number(key) for key, _ in pairs], np.uint64)
    content = np.asarray([int(text) for _, text in pairs], np.uint32)
    candidates = outcomes.Candidates(high, high, fetched.offsets, fetched.appended_ms, content)
    moving = np.asarray([key in away for key, _ in pairs])
    decision = outcomes.decide_staying(candidates, moving, dedup_index)
    outcome = decision.outcomes
    there = recovery_offset.already_stored(fetched.offsets, fetched.appended_ms, stored)
    outcome[there] = outcomes.Outcome.STORED
    keep = np.flatnonzero((outcome == outcomes.Outcome.STORED) & ~there)
    clash = np.flatnonzero(outcome == outcomes.Outcome.CONFLICT)
    tally = np.bincount(outcome, minlength=len(outcomes.Outcome))
    return Judged(
        OutcomeCounts(int(tally[0]), int(tally[1]), int(tally[2]), moved=int(moving.sum())),
        _batch(fetched, pairs, keep, prefix="_"),
        _batch(fetched, pairs, clash, prefix=""),
        new_ids=decision.new_ids,
        fetched=fetched,
        dedup_index=dedup_index,
        by_tenant={
            ("", record_outcome): int(tally[record_outcome]) for record_outcome in outcomes.Outcome
        },
        moves=[_move(fetched, at) for at in np.flatnonzero(moving).tolist()],
    )


def _move(fetched: FetchedBatch, at: int) -> Move:
    here = MovedFrom(PARTITION.number, int(fetched.offsets[at]), int(fetched.appended_ms[at]), 1)
    return Move(OTHER, b"t:id", fetched.values[at] or b"", (here.header(),))


def _number(text: str) -> int:
    return int.from_bytes(text.encode().ljust(8, b"\0")[:8], "big")


def _batch(
    fetched: FetchedBatch, pairs: list[list[str]], rows: Any, *, prefix: str
) -> pa.RecordBatch | None:
    """Rows of the event table, or of `conflicts`, whose coordinates have names without a prefix."""
    if not len(rows):
        return None
    return pa.RecordBatch.from_pydict(
        {
            f"{prefix}topic": [PARTITION.topic] * len(rows),
            f"{prefix}partition": [PARTITION.number] * len(rows),
            f"{prefix}offset": fetched.offsets[rows],
            "_appended_at": pa.array(fetched.appended_ms[rows]).cast(pa.timestamp("ms", "UTC")),
            "id": [pairs[row][0] for row in rows],
            "content": [pairs[row][1] for row in rows],
        }
    )


class Worker:
    """One run of a worker: recover, find the offset, take batches, write, acknowledge, commit."""

    def __init__(self, world: World, moments: Moments, generation: int) -> None:
        self.world = world
        self.moments = world.moments = moments
        self.store = world.store
        self.dedup_index = DedupIndex(10**9)
        self.rewound: int | None = None
        for value in world.changelog:
            self.dedup_index.add(unpack(value))
        metrics = WorkerMetrics()
        patient = retry_policy.RetryPolicy(metrics)
        self.writer = writer.PartitionWriter(
            PARTITION,
            judge=lambda fetched, stored: judge(fetched, stored, self.dedup_index, world.away),
            recovery=lambda fetched: recovery_offset.find_recovery_offset(
                self.store,
                TABLE,
                fetched,
                start_offset=world.committed or 0,
                first_after=self._first_after,
            ),
            writes=durable_writes.DurableWrites(
                TABLE,
                self.store,  # type: ignore[arg-type]
                self._remember,
                self._publish,
                mover.Mover(
                    lambda: SimProducer(world, moments),
                    patient,
                    10.0,
                ).send,
                lambda: generation,
                LedgerWriter(self.store.write_ledger, patient),
                patient,
                metrics,
            ),
            rewind=self._rewind,
            log_start=self._log_start,
            memory_limit=MemoryLimit(20),
            spike_guard=RejectSpikeGuard(RejectSpikeLimits(0.5, 1e9)),
            rate_meter=RateMeter(),
            pacing=writer.Pacing(7, 1000, 0.0, 0.0),
        )

    async def _remember(self, partition: int, block: IdBlock) -> None:
        del partition
        self.moments.passing()
        await asyncio.sleep(0)
        self.world.changelog.append(pack(block))
        self.moments.passing()

    async def _publish(self, reject: RejectedRecord) -> None:
        self.moments.passing()
        await asyncio.sleep(0)
        dead_letter = orjson.loads(reject.value)
        self.world.dead_letters[dead_letter["offset"]] = dead_letter["reason"]
        self.moments.passing()

    async def _rewind(self, _partition: Partition, offset: int) -> None:
        self.rewound = offset

    async def _first_after(self, _appended_ms: int, _before: int) -> int | None:
        return None

    async def _log_start(self, _partition: Partition) -> int:
        return self.world.log_start

    def _acknowledge(self, last: int) -> None:
        self.moments.passing()
        self.world.committed = last + 1
        self.moments.passing()

    async def take(self, fetched: FetchedBatch) -> None:
        """Hand *fetched* to the writer."""
        await self.writer.take(lambda: self._acknowledge(fetched.last), fetched)

    async def live(self, sizes: Sequence[int]) -> None:
        """Work until everything is committed or the moment to die has come."""
        task = asyncio.ensure_future(self.writer.run())
        gap_detector = asyncio.ensure_future(self._gap_detector(sizes))
        try:
            await asyncio.wait({task, gap_detector}, return_when=asyncio.FIRST_COMPLETED)
            await _first_error(task, gap_detector)
            drained = asyncio.ensure_future(self.writer.drained())
            await asyncio.wait({task, drained}, return_when=asyncio.FIRST_COMPLETED)
            await _first_error(task)
        finally:
            for pending in (task, gap_detector):
                pending.cancel()
            await asyncio.gather(task, gap_detector, return_exceptions=True)

    async def _gap_detector(self, sizes: Sequence[int]) -> None:
        start: int | None = self.world.committed or 0
        while start is not None:
            self.rewound = None
            for number, fetched in enumerate(self.world.batches(start, sizes)):
                if number in self.world.dropped:
                    self.world.dropped.remove(number)
                    continue
                await self.take(fetched)
                await (self.writer.drained() if self.world.one_by_one else asyncio.sleep(0))
                if self.rewound is not None:
                    break
            start = self.rewound


async def _first_error(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        if task.done() and not task.cancelled() and task.exception() is not None:
            await task


@contextmanager
def no_pauses() -> Iterator[None]:
    """Let retries follow at once: the simulation has no clock."""
    with patch.object(retry_policy, "pause_seconds", lambda *_, **__: 0.0):
        yield


def run(world: World, kills: Sequence[int], cuts: Sequence[Sequence[int]]) -> int:
    """Let workers live one after the other, the first ones killed at *kills*; moments passed."""
    passed = 0
    with no_pauses():
        for process in range(len(kills) + 1):
            moments = Moments(kills[process] if process < len(kills) else None)
            with suppress(Killed):
                asyncio.run(Worker(world, moments, process + 1).live(cuts[process % len(cuts)]))
            passed = moments.passed
    return passed


def check(world: World) -> None:
    """The promise: each id once, from its first record; each offset one outcome; ranges join.

    A record that the store refuses is a dead letter and uses up no id: the next one with its id is
    the first. A repeat of a record that was taken is not put to the store.
    """
    refused: set[int] = set()
    taken: set[str] = set()
    for offset, (key, content) in enumerate(world.records):
        if content in world.refuses and key not in taken:
            refused.add(offset)
        elif key not in world.away:
            taken.add(key)
    first: dict[str, tuple[int, str]] = {}
    for offset, (key, content) in enumerate(world.records):
        if offset not in refused and key not in world.away:
            first.setdefault(key, (offset, content))
    rows = sorted(world.rows)
    assert rows == sorted((offset, key, text) for key, (offset, text) in first.items())
    assert world.committed == len(world.records)
    end = 0
    for entry in sorted(world.ledger, key=lambda entry: entry.first):
        assert entry.first == end, "ranges join without gap or overlap"
        end = entry.last + 1
        total = entry.stored + entry.duplicates + entry.conflicts + entry.rejected + entry.moved
        assert total == entry.last + 1 - entry.first, "each offset has exactly one outcome"
    assert end == len(world.records)
    assert sum(entry.stored for entry in world.ledger) == len(first)
    clashes = {
        offset
        for offset, (key, content) in enumerate(world.records)
        if offset not in refused and key not in world.away and first[key][1] != content
    }
    assert world.conflicts == clashes
    assert sum(entry.conflicts for entry in world.ledger) == len(clashes)
    assert world.dead_letters == dict.fromkeys(refused, "store_refused")
    assert sum(entry.rejected for entry in world.ledger) == len(refused)
    _check_moved(world)


def _check_moved(world: World) -> None:
    """What belongs elsewhere is all there, the first of each id first; in order but for repeats."""
    moved = [record for record in world.records if record[0] in world.away]
    assert sum(entry.moved for entry in world.ledger) == len(moved)
    assert list(dict.fromkeys(world.elsewhere)) == list(dict.fromkeys(moved))
