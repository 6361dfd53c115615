"""What is handed on of a fetch, what is not, and what is fetched again."""

from __future__ import annotations

import asyncio
from collections import UserDict, defaultdict, deque
from collections.abc import ItemsView, Mapping
from types import SimpleNamespace
from typing import Any

from faust.transport.drivers.aiokafka import Consumer as KafkaConsumer
from faust.types import TP

from streams.faust import transport
from streams.faust.gap_detector import GapDetector
from streams.faust.positions import FetchPositions
from streams.faust.transport import BatchConsumer
from streams.fetch.fetched_batch import FetchedBatch, Partition, batch_of

LEFT, RIGHT = TP("events", 0), TP("events", 1)
Fetch = Mapping[TP, FetchedBatch]


def records(first: int, last: int, *, appended_ms: int = 1000) -> FetchedBatch:
    """What the consumer's thread gives for these offsets."""
    made = [
        SimpleNamespace(offset=offset, timestamp=appended_ms, value=b"{}", headers=())
        for offset in range(first, last + 1)
    ]
    # The partition does not matter here.
    return batch_of(Partition("events", 0), made, follows=first)


class Scripted(BatchConsumer):
    """The consumer with scripted fetches and its seeks noted."""

    should_stop = False
    flow_active = True

    def __init__(self, *fetches: Fetch) -> None:
        monitor = SimpleNamespace(track_tp_end_offset=lambda *_: None)
        self.app = SimpleNamespace(consumer_generation_id=1, monitor=monitor)
        self.script = deque(fetches)
        self.sought: list[Mapping[TP, int]] = []
        self._buffered_partitions: set[TP] = set()
        self._delivered = defaultdict(deque)
        self._acked: dict[TP, list[int]] = defaultdict(list)
        self._acked_index: dict[TP, set[int]] = defaultdict(set)
        self._positions = FetchPositions()
        self.log = SimpleNamespace(warning=lambda *_: None)
        self._read_offset: dict[TP, int | None] = {}
        self._committed_offset: dict[TP, int | None] = defaultdict(lambda: None)
        self._uncommitted = {}
        self._waiting_since = {}
        self._newest = {}
        self.starts: dict[TP, int] = {}

    async def _wait_next_records(self, *_: Any) -> tuple[Fetch, None]:
        self._fetch_generation = self.app.consumer_generation_id
        return self.script.popleft(), None

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Note where fetching goes on."""
        self.sought.append(partitions)

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """What retention has left."""
        return {tp: self.starts.get(tp, 0) for tp in partitions}

    def assignment(self) -> set[TP]:
        """Both partitions."""
        return {LEFT, RIGHT}

    def highwater(self, *_: Any) -> int:
        """Far away."""
        return 1_000

    def _is_changelog_tp(self, *_: Any) -> bool:
        return False

    async def fetch(self) -> list[FetchedBatch]:
        """The fetched batches of the next fetch."""
        return [message.value async for _, message in self.getmany(1.0)]

    async def fetch_nothing(self, monkeypatch: Any, *, position: int) -> None:
        """A fetch that brings nothing, with both partitions at *position*."""

        async def getmany(*_: Any) -> Fetch:
            return {}

        monkeypatch.setattr(KafkaConsumer, "_getmany", getmany)
        self.app.tables = SimpleNamespace(actives_ready=True)
        self.app.pause_partitions = lambda _: False
        state = SimpleNamespace(position=position)
        monkeypatch.setattr(self, "_fetch_state", lambda _: state)
        await self._getmany({LEFT, RIGHT}, 0.0)


class Rebalancing(UserDict[TP, FetchedBatch]):
    """A fetch during which the group's generation changes."""

    def __init__(self, records: Fetch, consumer: Scripted) -> None:
        super().__init__(records)
        self._app = consumer.app

    def items(self) -> ItemsView[TP, FetchedBatch]:
        """The records, a generation later."""
        self._app.consumer_generation_id += 1
        return super().items()


async def test_what_a_rebalance_discarded_is_fetched_again() -> None:
    """Dropped records do not count as handed on, and the position goes back to them."""
    consumer = Scripted({LEFT: records(0, 4)})
    consumer.script.append(Rebalancing({LEFT: records(5, 9)}, consumer))
    await consumer.fetch()

    assert await consumer.fetch() == []

    assert consumer.sought == [{LEFT: 5}]
    assert consumer._positions.lost_from(LEFT, 10, log_start=0) == 5


async def test_what_a_cancelled_loop_left_behind_is_fetched_again(monkeypatch: Any) -> None:
    """Of a fetch for two partitions only the first was handed on, and nothing follows it."""
    consumer = Scripted(
        {LEFT: records(0, 4), RIGHT: records(0, 4)}, {LEFT: records(5, 6), RIGHT: records(5, 6)}
    )
    await consumer.fetch()
    async for tp, _ in consumer.getmany(1.0):
        assert tp == LEFT
        break

    await consumer.fetch_nothing(monkeypatch, position=7)

    assert consumer.sought == [{RIGHT: 5}]


async def test_nothing_is_fetched_again_that_retention_deleted(monkeypatch: Any) -> None:
    """The position has gone on to the first offset that is left; the writer sees the hole."""
    consumer = Scripted({LEFT: records(0, 4), RIGHT: records(0, 4)})
    consumer.starts = {LEFT: 50, RIGHT: 50}
    await consumer.fetch()

    await consumer.fetch_nothing(monkeypatch, position=50)

    assert consumer.sought == []


async def test_offsets_delivered_again_in_other_batches_are_committed() -> None:
    """Only the newest batches are waited for."""
    cuts = ((0, 4), (5, 9), (3, 7), (8, 9))
    consumer = Scripted(*({LEFT: records(first, last)} for first, last in cuts))
    for _ in cuts:
        await consumer.fetch()
    consumer._acked_index[LEFT] = {4, 7, 9}
    consumer._acked[LEFT] = [4, 7, 9]

    assert consumer._new_offset(LEFT) == 10
    assert not consumer._acked_index[LEFT]


async def test_a_recreated_topic_ends_the_process(monkeypatch: Any) -> None:
    """The client starts over by itself; offsets that were read hold other records now."""
    ends: list[tuple[Any, ...]] = []
    monkeypatch.setattr(transport, "end_at_lower_offsets", lambda *given: ends.append(given))
    consumer = Scripted({LEFT: records(0, 9)}, {LEFT: records(0, 2, appended_ms=2000)})
    await consumer.fetch()

    await consumer.fetch()

    assert ends == [(Partition(*LEFT), 0, 9)]


async def test_records_delivered_again_are_of_the_same_incarnation(monkeypatch: Any) -> None:
    """After seeking back the same records come, with their old times."""
    ends: list[Any] = []
    monkeypatch.setattr(transport, "end_at_lower_offsets", lambda *given: ends.append(given))
    consumer = Scripted({LEFT: records(0, 9)}, {LEFT: records(3, 12)})
    await consumer.fetch()

    await consumer.fetch()

    assert ends == []


async def test_steady_commits_are_not_taken_for_none(monkeypatch: Any) -> None:
    """There is always something new to commit; what counts is whether any commit is made."""
    now = [0.0]
    monkeypatch.setattr(transport, "monotonic", lambda: now[0])
    consumer = Scripted()
    ages = []
    for second in range(600):
        now[0] = float(second)
        consumer._acked_index[LEFT] = {second}
        ages.append(consumer.uncommitted_seconds())
        if second % 2:
            consumer._waiting_since.pop(LEFT, None)  # as a commit does
    stuck = []
    for second in range(600, 700):
        now[0] = float(second)
        stuck.append(consumer.uncommitted_seconds())

    assert max(ages) <= 2
    assert stuck[-1] == 99


async def test_changelog_records_that_nobody_was_given_are_read_again() -> None:
    """A fetch that a rebalance cancelled may take them; recovery would wait forever."""
    consumer = Scripted()
    consumer._gap_detector = GapDetector()
    applied = {LEFT: -1, RIGHT: 18}
    consumer.app.tables = SimpleNamespace(recovery=SimpleNamespace(active_offsets=applied))
    positions = {LEFT: 7, RIGHT: 19}
    consumer._fetch_state = lambda tp: SimpleNamespace(position=positions[tp])  # type: ignore[method-assign]

    await consumer._go_back_to_lost({LEFT, RIGHT})
    consumer._gap_detector.give(LEFT, 6)
    await consumer._go_back_to_lost({LEFT, RIGHT})

    assert consumer.sought == [{LEFT: 0}]


async def test_offsets_without_a_record_are_passed_when_they_were_fetched_twice() -> None:
    """A changelog may end in a transaction's marker; recovery would wait for a record there."""
    consumer = Scripted()
    consumer._gap_detector = GapDetector()
    applied = {LEFT: 4, RIGHT: 18}
    consumer.app.tables = SimpleNamespace(recovery=SimpleNamespace(active_offsets=applied))
    positions = {LEFT: 7, RIGHT: 19}
    consumer._fetch_state = lambda tp: SimpleNamespace(position=positions[tp])  # type: ignore[method-assign]

    for _ in range(3):
        await consumer._go_back_to_lost({LEFT, RIGHT})

    assert consumer.sought == [{LEFT: 5}]
    assert applied == {LEFT: 6, RIGHT: 18}


async def test_a_paused_partition_is_not_fetched(monkeypatch: Any) -> None:
    """Its neighbours are; and with none left nothing is, as no partition means all to aiokafka."""
    asked: list[set[TP]] = []
    held = {LEFT}

    async def getmany(_self: Any, partitions: set[TP], _timeout: float) -> dict[TP, FetchedBatch]:
        asked.append(partitions)
        return {}

    monkeypatch.setattr(KafkaConsumer, "_getmany", getmany)
    monkeypatch.setattr(Scripted, "sleep", staticmethod(asyncio.sleep))
    consumer = Scripted()
    consumer.app.tables = SimpleNamespace(actives_ready=True)
    consumer.app.pause_partitions = held.__contains__
    monkeypatch.setattr(consumer, "_fetch_state", lambda _: None)

    await consumer._getmany({LEFT, RIGHT}, 0.0)
    held.add(RIGHT)
    await consumer._getmany({LEFT, RIGHT}, 0.0)
    held.clear()
    await consumer._getmany({LEFT, RIGHT}, 0.0)

    assert asked == [{RIGHT}, {LEFT, RIGHT}]
