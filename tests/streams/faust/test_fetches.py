"""What is handed on of a fetch, what is not, and what is fetched again."""

from __future__ import annotations

from collections.abc import ItemsView
from typing import Any

import pytest
from faust.types import TP

from streams.faust import incarnation_guard
from streams.faust.transport import BatchConsumer
from streams.fetch.fetched_batch import FetchedBatch, Partition
from tests.streams.faust.consumers import (
    LEFT,
    RIGHT,
    Fetch,
    ScriptedThread,
    consumer_of,
    fetch,
)
from tests.streams.faust.test_incarnation_guard import records


class Rebalancing(dict[TP, FetchedBatch]):
    """A fetch during which the group's generation changes."""

    def __init__(self, records: Fetch, consumer: BatchConsumer) -> None:
        super().__init__(records)
        self._app = consumer.app

    def items(self) -> ItemsView[TP, FetchedBatch]:  # type: ignore[override]
        """The records, a generation later."""
        self._app.consumer_generation_id += 1
        return super().items()


async def test_what_a_rebalance_discarded_is_fetched_again() -> None:
    """Dropped records do not count as handed on, and the position goes back to them."""
    thread = ScriptedThread({LEFT: records(0, 4)})
    consumer = consumer_of(thread)
    thread.script.append(Rebalancing({LEFT: records(5, 9)}, consumer))
    await fetch(consumer)

    assert await fetch(consumer) == []

    assert thread.sought == [{LEFT: 5}]
    assert consumer._positions.lost_from(LEFT, 10, log_start=0) == 5


async def test_what_a_cancelled_loop_left_behind_is_fetched_again() -> None:
    """Of a fetch for two partitions only the first was handed on, and nothing follows it."""
    thread = ScriptedThread(
        {LEFT: records(0, 4), RIGHT: records(0, 4)}, {LEFT: records(5, 6), RIGHT: records(5, 6)}
    )
    consumer = consumer_of(thread)
    await fetch(consumer)
    async for tp, _ in consumer.getmany(1.0):
        assert tp == LEFT
        break

    thread.positions = {LEFT: 7, RIGHT: 7}
    await fetch(consumer)

    assert thread.sought == [{RIGHT: 5}]


async def test_nothing_is_fetched_again_that_retention_deleted() -> None:
    """The position has gone on to the first offset that is left; the writer sees the hole."""
    thread = ScriptedThread({LEFT: records(0, 4), RIGHT: records(0, 4)})
    consumer = consumer_of(thread)
    thread.starts = thread.positions = {LEFT: 50, RIGHT: 50}
    await fetch(consumer)

    await fetch(consumer)

    assert thread.sought == []


async def test_what_came_while_the_flow_was_stopped_is_fetched_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the committed offset, and where nothing is committed from the log's start."""
    thread = ScriptedThread({LEFT: records(5, 9), RIGHT: records(3, 9)})
    thread.committed_before, thread.starts = {LEFT: 5, RIGHT: None}, {RIGHT: 3}
    consumer = consumer_of(thread)
    getmany = thread.getmany

    async def stopped(*args: Any) -> Fetch:
        consumer.stop_flow()
        return await getmany(*args)

    monkeypatch.setattr(thread, "getmany", stopped)

    assert await fetch(consumer) == []

    assert thread.sought == [{RIGHT: 3}]
    assert consumer._positions.lost_from(LEFT, 10, log_start=0) == 5
    assert consumer._positions.lost_from(RIGHT, 10, log_start=0) == 3


@pytest.mark.parametrize("rebalance", [False, True])
async def test_a_recreated_topic_ends_the_process(
    rebalance: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client starts over by itself; a new assignment asks the store what it has anyway."""
    ends: list[Any] = []
    monkeypatch.setattr(
        incarnation_guard, "end_at_lower_offsets", lambda *given: ends.append(given)
    )
    thread = ScriptedThread({LEFT: records(0, 9)}, {LEFT: records(0, 2, appended_ms=2000)})
    consumer = consumer_of(thread)
    await fetch(consumer)

    if rebalance:
        await consumer.on_partitions_assigned({LEFT})
        consumer.app.tables.actives_ready = True
        consumer.resume_partitions({LEFT})
    assert len(await fetch(consumer)) == 1

    assert ends == ([] if rebalance else [(Partition(*LEFT), 0, 9)])


@pytest.fixture
def thread() -> ScriptedThread:
    """Nothing comes, in changelogs that are read up to before 7 and 19."""
    thread = ScriptedThread()
    thread.positions = {LEFT: 7, RIGHT: 19}
    return thread


def recovering(thread: ScriptedThread, applied: dict[TP, int]) -> BatchConsumer:
    """The consumer while recovery has read these changelogs so far."""
    consumer = consumer_of(thread)
    consumer.app.tables.actives_ready = False
    consumer.app.tables._changelogs.update(dict.fromkeys([LEFT.topic]))
    consumer.app.tables.recovery.active_offsets.update(applied)
    return consumer


async def test_changelog_records_that_nobody_was_given_are_read_again(
    thread: ScriptedThread,
) -> None:
    """A fetch that a rebalance cancelled may take them; recovery would wait forever."""
    consumer = recovering(thread, {LEFT: -1, RIGHT: 18})

    await fetch(consumer)
    consumer._gap_detector.give(LEFT, 6)
    await fetch(consumer)

    assert thread.sought == [{LEFT: 0}]


async def test_offsets_without_a_record_are_passed_when_they_were_fetched_twice(
    thread: ScriptedThread,
) -> None:
    """A changelog may end in a transaction's marker; recovery would wait for a record there."""
    consumer = recovering(thread, {LEFT: 4, RIGHT: 18})

    for _ in range(3):
        await fetch(consumer)

    assert thread.sought == [{LEFT: 5}]
    assert consumer.app.tables.recovery.active_offsets == {LEFT: 6, RIGHT: 18}


async def test_a_paused_partition_is_not_fetched() -> None:
    """Its neighbours are; and with none left nothing is, as no partition means all to aiokafka."""
    thread = ScriptedThread()
    consumer = consumer_of(thread)
    held = {LEFT}
    consumer.app.pause_partitions = held.__contains__

    await fetch(consumer)
    held.add(RIGHT)
    await fetch(consumer)
    held.clear()
    await fetch(consumer)

    assert thread.asked == [{RIGHT}, {LEFT, RIGHT}]
