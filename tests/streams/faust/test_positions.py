"""Every sequence of fetches and faults of a small partition, tried one by one.

A partition of four offsets, each a record or nothing that a consumer sees (a marker, an aborted
record, a hole), a writer that starts at any of them, and any four events: fetches of different
sizes, batches that are lost with a cancelled fetch or with a cleared queue, batches that arrive,
retention. Afterwards, without faults, every record that is left has been taken once and in order,
and nothing waits for something that does not come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from streams.faust import positions
from streams.faust.positions import FetchPositions
from streams.fetch.fetched_batch import FetchedBatch, Partition, without_records
from streams.metrics import WorkerMetrics
from streams.pacing.memory_limit import MemoryLimit
from streams.pacing.rate_meter import RateMeter
from streams.pacing.reject_spike import RejectSpikeGuard, RejectSpikeLimits
from streams.partition import writer
from streams.partition.writer import Pacing, PartitionWriter
from streams.recovery.recovery_offset import RecoveryOffset

HERE = Partition("events", 0)
METRICS = WorkerMetrics()
ACTIONS = ("one", "two", "cancelled", "arrive", "cleared", "retention")
LENGTH = 4
STEPS = 4


class DurableWrites:
    """The part that a partition writer uses when it writes nothing."""

    metrics = METRICS


def speaks_of(log: Sequence[bool], follows: int, end: int) -> FetchedBatch:
    """What a fetch of *follows* to before *end* brings of *log*, which says where records are."""
    offsets = np.asarray([at for at in range(follows, end) if log[at]], np.int64)
    if not len(offsets):
        return without_records(HERE, follows, end, 1000)
    nothing = len(offsets)
    times = np.full(nothing, 1000, np.int64)
    return FetchedBatch(HERE, follows, offsets, times, [b""] * nothing, [()] * nothing, end, 1000)


class Way:
    """A partition with its consumer, queue and partition writer."""

    def __init__(self, log: Sequence[bool], begin: int) -> None:
        self.log = list(log)
        self.begin = begin
        self.start = 0
        self.position = begin
        self.positions: FetchPositions = FetchPositions()
        self.positions.go_to({HERE: begin})
        self.queue: list[FetchedBatch] = []
        self.writer = PartitionWriter(
            HERE,
            judge=lambda *_: None,  # type: ignore[arg-type]
            recovery=self._recovery,
            writes=DurableWrites(),  # type: ignore[arg-type]
            rewind=self._rewind,
            log_start=self._log_start,
            memory_limit=MemoryLimit(2**20),
            pacing=Pacing(10, 1000, 0.0, 0.0),
            spike_guard=RejectSpikeGuard(RejectSpikeLimits(1.0, 1e9)),
            rate_meter=RateMeter(),
        )
        # A hole is skipped once what is queued is written, which does not matter here.
        self.writer.drained = self._nothing  # type: ignore[method-assign]

    async def _nothing(self) -> None:
        """Stand for what needs no time."""

    async def _recovery(self, _: FetchedBatch) -> RecoveryOffset:
        following = max(self.begin, self.start)
        return RecoveryOffset(following, following, {})

    async def _log_start(self, _: Partition) -> int:
        return self.start

    async def _rewind(self, _: Partition, offset: int) -> None:
        self.positions.go_to({HERE: offset})
        self.position = offset

    def fetch(self, most: int) -> FetchedBatch | None:
        """What the consumer's thread gives, as aiokafka does."""
        self.position = max(self.position, self.start)
        follows, self.position = self.position, min(self.position + most, len(self.log))
        return speaks_of(self.log, follows, self.position) if self.position > follows else None

    async def do(self, action: str) -> None:
        """Let *action* happen."""
        if action == "arrive":
            if self.queue:
                arrived = self.queue.pop(0)
                await self.writer.take(lambda: None, arrived)
        elif action == "cleared":
            self.queue.clear()
        elif action == "retention":
            self.start = max(self.start, 2)
        elif action == "cancelled":
            self.fetch(1)
        elif (fetched := self.fetch(1 if action == "one" else 2)) is not None:
            self.positions.hand_on(HERE, fetched.follows, fetched.end)
            self.queue.append(fetched)

    async def settle(self) -> None:
        """Go on without faults; a later record comes, as it shows what a queue has lost."""
        self.log.append(True)
        for _ in range(4 * len(self.log)):
            fetched = self.fetch(2)
            if fetched is None:
                lost = self.positions.lost_from(HERE, self.position, log_start=self.start)
                self.position = self.position if lost is None else lost
            else:
                self.positions.hand_on(HERE, fetched.follows, fetched.end)
                self.queue.append(fetched)
            await self.do("arrive")

    @property
    def taken(self) -> list[int]:
        """The offsets of what the writer has taken, in that order."""
        fetched_batches = [
            fetched for pending in self.writer._pending for fetched in pending.fetched_batches
        ]
        return [int(offset) for fetched in fetched_batches for offset in fetched.offsets]


async def went(log: Sequence[bool], begin: int, actions: Sequence[str]) -> str | None:
    """What is wrong after *actions* and a while without faults."""
    way = Way(log, begin)
    for action in actions:
        await way.do(action)
    await way.settle()
    wanted = [at for at in range(begin, len(way.log)) if way.log[at]]
    must = [at for at in wanted if at >= way.start]
    if way.taken != sorted(set(way.taken) & set(wanted)):
        return f"taken {way.taken} of {wanted}"
    if not set(must) <= set(way.taken):
        return f"taken {way.taken}, not all of {must}"
    if way.writer.next_offset != len(way.log):
        return f"the writer waits for {way.writer.next_offset} of {len(way.log)}"
    return None


async def all_ways(layouts: Sequence[Sequence[bool]], steps: int) -> list[Any]:
    """Every sequence that goes wrong."""
    return [
        (log, begin, actions, wrong)
        for log in layouts
        for begin in range(LENGTH + 1)
        for actions in product(ACTIONS, repeat=steps)
        if (wrong := await went(log, begin, actions)) is not None
    ]


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log nothing of what is missing: here much is."""
    monkeypatch.setattr(writer.logger, "disabled", True)
    monkeypatch.setattr(writer, "retention_passed", lambda *_: None)


@pytest.mark.parametrize("log", list(product([True, False], repeat=LENGTH)))
def test_every_record_is_taken_whatever_was_lost_on_the_way(log: tuple[bool, ...]) -> None:
    """Wherever the writer begins, and whatever lies there."""
    assert asyncio.run(all_ways([log], STEPS - 1)) == []


def test_one_more_step_of_one_log() -> None:
    """Deeper, with a marker where the writer begins and an aborted record behind it."""
    assert asyncio.run(all_ways([(True, False, False, True)], STEPS)) == []


@pytest.mark.parametrize(
    "actions",
    [
        "two cleared one arrive two cleared",
        "one cleared one arrive one cleared",
        "one cleared two arrive one cleared one arrive one cleared",
        "one one cleared one arrive one cleared one arrive",
        "two cleared two arrive cancelled two cleared",
    ],
)
@pytest.mark.parametrize("log", list(product([True, False], repeat=LENGTH)))
def test_what_is_lost_again_after_going_back_is_fetched_again(
    log: tuple[bool, ...], actions: str
) -> None:
    """However often: a batch that comes too early always leads back."""
    assert asyncio.run(went(log, 0, actions.split())) is None


@pytest.mark.parametrize(
    ("handed_on", "position", "log_start", "lost_from"),
    [
        ([], 9, 0, None),  # nothing is known
        ([(0, 5)], 5, 0, None),  # all was handed on
        ([(0, 5)], 9, 0, 5),  # a fetch was cancelled
        ([(0, 5), (7, 9)], 9, 0, 5),  # one between others was
        ([(0, 5)], 9, 9, None),  # retention took what was not fetched
        ([(0, 5)], 9, 7, 7),  # and a part of what was fetched and lost
        ([(0, 5), (0, 3)], 3, 0, None),  # the log starts again
    ],
)
def test_what_was_given_to_nobody_is_known(
    handed_on: list[tuple[int, int]], position: int, log_start: int, lost_from: int | None
) -> None:
    """By the ends of what was handed on, of what can still be fetched."""
    known: FetchPositions = positions.FetchPositions()
    for follows, end in handed_on:
        known.hand_on(HERE, follows, end)

    assert known.lost_from(HERE, position, log_start=log_start) == lost_from
