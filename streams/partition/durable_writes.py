"""Makes one insert batch durable: rows, then what depends on them, then the ledger row."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import pyarrow as pa

import failpoints
from sinks.ledger import LedgerEntry
from sinks.store import Store
from streams.alarms import moved_in_circles
from streams.dedup.blocks import IdBlock
from streams.fetch.fetched_batch import Partition
from streams.judge.judge import Judged
from streams.judge.moves import Move
from streams.judge.other_rules import without_known
from streams.judge.outcomes import OutcomeCounts, sum_of
from streams.judge.rejects import RejectedRecord
from streams.metrics import WorkerMetrics
from streams.partition.insertion import Insertion
from streams.partition.ledger import LedgerWriter
from streams.partition.retry_policy import RetryPolicy

WORKER = f"{socket.gethostname()}:{os.getpid()}"
INCARNATION = secrets.token_hex(4)


@dataclass(frozen=True, slots=True)
class InsertBatch:
    """The contiguous offset range of one insert, both ends included."""

    partition: Partition
    first: int
    last: int
    first_appended_ms: int
    last_appended_ms: int
    incarnation: str = ""
    # The ledger row of what is stored again must not be hidden by the one it replaces.
    least_generation: int = 0

    def token(self, generation: int) -> str:
        """The insert's deduplication token: the same range tried again is the same insert.

        A token that was used before would make ClickHouse drop the rows silently. So the append
        time is part of it, as offsets and generations start again with a new broker, and so is an
        id of this process, which a generation may outlive (static membership): what an earlier
        process left is found by offset (streams/recovery/recovery_offset.py).
        """
        topic, number = self.partition
        place = f"{topic}:{self.incarnation}:{number}:{self.first}-{self.last}"
        return f"{place}:{generation}:{self.first_appended_ms}:{INCARNATION}"


class Remember(Protocol):
    """Writes a block of ids to the changelog of *partition* and waits for the broker."""

    def __call__(self, partition: int, block: IdBlock) -> Awaitable[None]:
        """Return when confirmed; raise otherwise."""


class JudgeAgain(Protocol):
    """Judges an insert batch again when the store refused rows of it."""

    def __call__(self, refused: Collection[int], stored: Mapping[int, int]) -> Sequence[Judged]:
        """The judgement without the records at the offsets *refused*.

        *stored* are offsets whose rows the store took, with their append times.
        """


@dataclass(frozen=True, slots=True)
class DurableWrites:
    """Everything a partition writer writes to; each step is repeated until confirmed.

    `publish` sends one record to `fasttrack.rejected` and waits for the acknowledgement; `move`
    sends records to other partitions of a topic and waits for all of theirs, however long it takes.
    `generation` returns the consumer group's current generation.
    """

    table: str
    store: Store
    remember: Remember | None
    publish: Callable[[RejectedRecord], Awaitable[None]]
    move: Callable[[str, Sequence[Move]], Awaitable[None]]
    generation: Callable[[], int]
    ledger: LedgerWriter
    retry_policy: RetryPolicy
    metrics: WorkerMetrics

    async def write(
        self, span: InsertBatch, judged: Sequence[Judged], judge_again: JudgeAgain
    ) -> None:
        """Write *span*; returns only when all of it, the ledger row last, is confirmed."""
        generation = max(self.generation(), span.least_generation)
        token = span.token(generation)
        failpoints.passing("worker.before_insert")
        # First the rows: a refused one becomes a dead letter, its id must not be remembered, and
        # what was its conflict may be the first occurrence of its id.
        judged = await self._rows(span, judged, judge_again, token)
        await asyncio.gather(
            self._conflicts([part.conflicts for part in judged if part.conflicts is not None]),
            self._rejects([reject for part in judged for reject in part.rejects]),
            self._moves(span, judged),
        )
        failpoints.passing("worker.before_changelog")
        await self._changelog(span, [part.new_ids for part in judged if part.new_ids is not None])
        failpoints.passing("worker.before_ledger")
        counts = sum_of(part.counts for part in judged)
        await self.ledger.put(_entry(span, counts, generation, token))
        failpoints.passing("worker.after_ledger")
        self.metrics.count(span.partition.topic, judged)

    async def _without_known(self, judged: Sequence[Judged]) -> Sequence[Judged]:
        """Rows that the store holds under another id rule become duplicates or conflicts."""
        if not any(part.doubts for part in judged):
            return judged
        look_up = partial(without_known, self.store, self.table, judged)
        return await self.retry_policy.until_done("lookup", look_up)

    async def _rows(
        self, span: InsertBatch, judged: Sequence[Judged], judge_again: JudgeAgain, token: str
    ) -> Sequence[Judged]:
        """Store the rows; returns the judgement for which ClickHouse refuses none."""
        refused: set[int] = set()
        stored: dict[int, int] = {}
        while True:
            judged = await self._without_known(judged)
            batches = [part.rows for part in judged if part.rows is not None]
            # Other rows need another token, or they would be taken for those of the last try.
            unlike = f"{token}~{len(refused)}" if refused else token
            newly_refused = await self._insert(span, batches, unlike)
            if not newly_refused:
                return judged
            refused |= newly_refused
            stored |= {at: ms for at, ms in _coordinates(batches) if at not in refused}
            judged = judge_again(refused, stored)

    async def _insert(
        self, span: InsertBatch, batches: list[pa.RecordBatch], token: str
    ) -> set[int]:
        """Store rows; the offsets of those that ClickHouse refuses for what they hold."""
        if not batches:
            return set()
        insertion = Insertion(
            self.store,
            self.table,
            span.partition,
            _joined(batches),
            token=token,
            incarnation=span.incarnation,
        )
        refused = await self.retry_policy.until_done("rows", insertion.attempt)
        failpoints.passing("worker.after_insert")
        return refused

    async def _conflicts(self, batches: list[pa.RecordBatch]) -> None:
        if batches:
            rows = _joined(batches)
            await self.retry_policy.until_done(
                "conflicts", lambda: self.store.write_conflicts(rows)
            )

    async def _rejects(self, rejects: list[RejectedRecord]) -> None:
        if rejects:
            await self.retry_policy.until_done(
                "rejects", lambda: asyncio.gather(*(self.publish(reject) for reject in rejects))
            )

    async def _moves(self, span: InsertBatch, judged: Sequence[Judged]) -> None:
        moves = [move for part in judged for move in part.moves]
        if moves:
            failpoints.passing("worker.before_move")
            await self.move(span.partition.topic, moves)
            failpoints.passing("worker.after_move")
        kept = sum(part.kept_astray for part in judged)
        if kept:
            moved_in_circles(span.partition, kept, self.metrics)

    async def _changelog(self, span: InsertBatch, blocks: list[IdBlock]) -> None:
        remember = self.remember
        if remember is None:
            return
        for block in blocks:
            write = partial(remember, span.partition.number, block)
            await self.retry_policy.until_done("changelog", write)
            failpoints.passing("worker.after_changelog")


def _coordinates(batches: list[pa.RecordBatch]) -> Iterator[tuple[int, int]]:
    """Offset and append time in milliseconds of each row."""
    for batch in batches:
        times = batch.column("_appended_at").cast(pa.int64())
        yield from zip(batch.column("_offset").to_pylist(), times.to_pylist(), strict=True)


def _joined(batches: list[pa.RecordBatch]) -> pa.Table:
    """One table in one chunk, so that the insert is one block with one token."""
    return pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()


def _entry(span: InsertBatch, counts: OutcomeCounts, generation: int, token: str) -> LedgerEntry:
    return LedgerEntry(
        topic=span.partition.topic,
        partition=span.partition.number,
        first=span.first,
        last=span.last,
        **counts._asdict(),
        generation=generation,
        token=token,
        worker=WORKER,
        first_appended_ms=span.first_appended_ms,
        last_appended_ms=span.last_appended_ms,
        incarnation=span.incarnation,
    )
