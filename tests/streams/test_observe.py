"""What a worker's gauges say, and when it is ready: of partitions, ids, lag and ages."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from faust.types import TP

from events.contract.registry import EVENT_TYPES
from streams.dedup.blocks import IdBlock
from streams.dedup.index import DedupIndex
from streams.faust.commit_tracker import CommitTracker
from streams.fetch.fetched_batch import Partition
from streams.metrics import WorkerMetrics
from streams.observe import Observer

CASINO, LOGIN = (
    next(row for row in EVENT_TYPES if row.name == f"realtime-{name}")
    for name in ("casino", "login")
)


@dataclass
class Ids:
    """The ids of one topic, as a table's data has them."""

    indexes: dict[int, DedupIndex] = field(default_factory=dict)
    unreadable: int = 0

    def __len__(self) -> int:
        return sum(len(index) for index in self.indexes.values())


@dataclass
class FakeWriter:
    """A partition writer, as the observer sees it."""

    partition: Partition
    waiting_since: float | None = None
    next_offset: int = 0
    has_room: bool = True


class Consumer:
    """The group's consumer: what is assigned, what the broker has, what was committed."""

    def __init__(self) -> None:
        self.highwaters: dict[TP, int | None] = {}
        self._committed_offset: dict[TP, int | None] = {}
        self.handed_on: dict[Partition, int] = {}
        self.commits = CommitTracker(defaultdict(set))

    def assignment(self) -> set[TP]:
        """All partitions that the broker has a high watermark of."""
        return set(self.highwaters)

    def highwater(self, tp: TP) -> int | None:
        """The offset after the last record."""
        return self.highwaters[tp]

    def waits_past(self, partition: Partition, offset: int) -> bool:
        """Whether records at or past *offset* were handed on."""
        return self.handed_on.get(partition, 0) > offset


@dataclass
class FakeStream:
    """What an observer looks at."""

    consumer: Consumer = field(default_factory=Consumer)
    partition_writers: list[FakeWriter] = field(default_factory=list)
    metrics: WorkerMetrics = field(default_factory=WorkerMetrics)
    retry_policy: Any = field(default_factory=lambda: SimpleNamespace(holding=0))
    app: Any = None
    tables: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        recovery = SimpleNamespace(in_recovery=False, active_remaining_total=lambda: 0)
        tables = SimpleNamespace(
            actives_ready=True, changelog_topics={"changelog"}, recovery=recovery
        )
        self.app = SimpleNamespace(consumer=self.consumer, tables=tables, rebalancing=False)

    def value(self, name: str, **labels: str) -> float | None:
        """A metric of the worker; None when it is not shown."""
        return self.metrics.registry.get_sample_value(f"railhead_worker_{name}", labels)


@pytest.fixture
def stream() -> FakeStream:
    """A worker that holds two partitions of one topic."""
    stream = FakeStream()
    stream.consumer.highwaters = {TP(CASINO.topic, number): 0 for number in (0, 1)}
    stream.consumer._committed_offset = dict.fromkeys(stream.consumer.highwaters)
    return stream


def observer(stream: FakeStream) -> Observer:
    """The observer of *stream*."""
    return Observer(stream)  # type: ignore[arg-type]


def index_of(count: int) -> DedupIndex:
    """An index that holds *count* ids."""
    index = DedupIndex(1000)
    hashes = np.arange(1, count + 1, dtype=np.uint64)
    if count:
        offsets = np.arange(count, dtype=np.int64)
        index.add(IdBlock(hashes, hashes, offsets, np.zeros(count, np.uint32), 0, 0))
    return index


@pytest.mark.parametrize(
    ("highwater", "committed", "lag"),
    [(0, None, 0), (10, None, 10), (10, 4, 6), (10, 10, 0), (9, 10, 0)],
    ids=["empty", "nothing committed", "some", "none", "the broker lost its end"],
)
async def test_the_lag_is_what_lies_past_the_commit(
    stream: FakeStream, highwater: int, committed: int | None, lag: int
) -> None:
    """Never less than none."""
    tp = TP(CASINO.topic, 1)
    stream.consumer.highwaters[tp] = highwater
    stream.consumer._committed_offset[tp] = committed

    observer(stream)._gauges()

    assert stream.value("lag_records", topic=CASINO.topic, partition="1") == lag


async def test_there_is_no_lag_of_what_is_not_known_and_of_changelogs(stream: FakeStream) -> None:
    """No number is better than a wrong one."""
    unknown, changelog = TP(LOGIN.topic, 0), TP("changelog", 0)
    stream.consumer.highwaters |= {unknown: None, changelog: 5}
    stream.consumer._committed_offset |= {unknown: 1, changelog: 1}

    observer(stream)._gauges()

    for topic in (LOGIN.topic, "changelog"):
        assert stream.value("lag_records", topic=topic, partition="0") is None


async def test_gauges_of_a_partition_go_with_it(stream: FakeStream) -> None:
    """Another worker shows them from then on; those of its neighbour stay."""
    mine = observer(stream)
    stream.partition_writers = [FakeWriter(Partition(CASINO.topic, number)) for number in (0, 1)]
    mine._gauges()
    assert stream.value("oldest_unstored_seconds", topic=CASINO.topic, partition="0") == 0
    del stream.consumer.highwaters[TP(CASINO.topic, 0)], stream.partition_writers[0]

    mine._gauges()

    for name in ("lag_records", "oldest_unstored_seconds"):
        assert stream.value(name, topic=CASINO.topic, partition="0") is None
        assert stream.value(name, topic=CASINO.topic, partition="1") == 0


@pytest.mark.parametrize("age_seconds", [None, 0.0, 0.5, 30.0, 4000.0])
async def test_the_age_of_the_oldest_batch_is_shown(
    stream: FakeStream, age_seconds: float | None
) -> None:
    """None waits: 0."""
    now = asyncio.get_running_loop().time()
    since = None if age_seconds is None else now - age_seconds
    stream.partition_writers = [FakeWriter(Partition(CASINO.topic, 1), since)]

    observer(stream)._gauges()

    shown = stream.value("oldest_unstored_seconds", topic=CASINO.topic, partition="1")
    assert shown == pytest.approx(age_seconds or 0.0, abs=0.25)


async def test_remembered_ids_are_summed_by_topic(stream: FakeStream) -> None:
    """With the bytes reserved for them and the blocks that could not be read."""
    indexes = {0: index_of(3), 4: index_of(2)}
    stream.tables = {
        CASINO.name: SimpleNamespace(data=Ids(indexes, unreadable=7)),
        LOGIN.name: SimpleNamespace(data=Ids()),
    }

    observer(stream)._gauges()

    assert stream.value("remembered_ids", topic=CASINO.topic) == 5
    assert stream.value("unreadable_blocks", topic=CASINO.topic) == 7
    reserved = sum(index.nbytes for index in indexes.values())
    assert stream.value("remembered_bytes", topic=CASINO.topic) == reserved > 0
    for name in ("remembered_ids", "unreadable_blocks", "remembered_bytes"):
        assert stream.value(name, topic=LOGIN.topic) == 0


async def test_a_worker_is_ready_when_it_has_joined_and_read_its_changelogs(
    stream: FakeStream,
) -> None:
    """And not while the group shares out its partitions."""
    mine = observer(stream)
    assert mine.not_ready() is None

    stream.app.rebalancing = True
    assert "rebalancing" in (mine.not_ready() or "")
    stream.app.tables.actives_ready = False
    assert "changelogs" in (mine.not_ready() or "")
    stream.app.consumer = None
    assert "group" in (mine.not_ready() or "")


async def test_a_partition_is_untaken_since_it_last_had_nothing_to_take(
    stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The age starts again with each batch that is taken, and is 0 while none can be."""
    mine, loop = observer(stream), asyncio.get_running_loop()
    now = [1000.0]
    monkeypatch.setattr(loop, "time", lambda: now[0])
    writer = FakeWriter(Partition(CASINO.topic, 1))
    stream.partition_writers = [writer]

    def untaken_after(seconds: float) -> float:
        now[0] += seconds
        (facts,) = mine._facts().partitions
        return facts.untaken_seconds

    assert untaken_after(5) == 0
    stream.consumer.handed_on[writer.partition] = 10
    assert untaken_after(5) == 5
    assert untaken_after(5) == 10
    writer.next_offset = 4
    assert untaken_after(5) == 0
    assert untaken_after(5) == 5
    writer.has_room = False
    assert untaken_after(5) == 0
    writer.has_room = True
    assert untaken_after(5) == 5
    writer.next_offset = 10
    assert untaken_after(5) == 0


@pytest.mark.parametrize("what", ["holding", "rebalancing", "recovering"])
async def test_what_waits_in_an_outage_is_not_untaken(
    stream: FakeStream, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Nor right after it: the age begins when the outage has ended."""
    mine, loop = observer(stream), asyncio.get_running_loop()
    now = [1000.0]
    monkeypatch.setattr(loop, "time", lambda: now[0])
    writer = FakeWriter(Partition(CASINO.topic, 1))
    stream.partition_writers = [writer]
    stream.consumer.handed_on[writer.partition] = 10
    mine._facts()
    now[0] += 100
    assert mine._facts().partitions[0].untaken_seconds == 100

    stream.retry_policy.holding = int(what == "holding")
    stream.app.rebalancing = what == "rebalancing"
    stream.app.tables.actives_ready = what != "recovering"

    assert mine._facts().partitions[0].untaken_seconds == 0


async def test_a_gauge_that_fails_does_not_end_the_watch(
    stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next tick comes, and the watchdog with it."""
    monkeypatch.setattr("streams.observe.TICK_SECONDS", 0.0)
    mine = observer(stream)
    dedup_index: list[str] = []
    refreshed = asyncio.Event()

    def refresh() -> None:
        dedup_index.append("tick")
        if len(dedup_index) > 2:
            refreshed.set()

    stream.tenant_rules = SimpleNamespace(refresh=refresh)  # type: ignore[attr-defined]
    stream.settings = SimpleNamespace(  # type: ignore[attr-defined]
        worker_metrics_port=None, stuck_seconds=60.0
    )
    stream.consumer.assignment = None  # type: ignore[assignment, method-assign]
    await mine.start()
    try:
        async with asyncio.timeout(10):
            await refreshed.wait()
    finally:
        await mine.stop()
