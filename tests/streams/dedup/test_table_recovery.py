"""What a dedup table holds around a rebalance."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from faust.types import TP

from streams.dedup.blocks import IdBlock, pack
from streams.dedup.table import DedupStore, DedupTable

MINE, OTHER = "mine-changelog", "other-changelog"
WINDOW_MS = 10_000


def store(offsets: dict[TP, int] | None = None) -> DedupStore:
    """A store without a Faust app behind it."""
    recovery = SimpleNamespace(active_offsets=offsets if offsets is not None else {})
    app: Any = SimpleNamespace(tables=SimpleNamespace(recovery=recovery))
    changelog = SimpleNamespace(get_topic_name=lambda: MINE)
    made = DedupStore.__new__(DedupStore)
    made.app, made.table = app, SimpleNamespace(changelog_topic=changelog, window_ms=WINDOW_MS)
    made.indexes, made.unreadable, made._applied = {}, 0, {}
    return made


def event(topic: str, offset: int, *, at_ms: int = 0, claimed_ms: int | None = None) -> Any:
    """A changelog event with one id of its own, appended at *at_ms*."""
    number = np.asarray([offset + 1], np.uint64)
    claimed = at_ms if claimed_ms is None else claimed_ms
    block = IdBlock(
        number, number, np.asarray([offset]), np.asarray([1], np.uint32), claimed, claimed
    )
    message = SimpleNamespace(
        tp=TP(topic, 0), partition=0, offset=offset, value=pack(block), timestamp=at_ms / 1000
    )
    return SimpleNamespace(message=message)


def apply(memory: DedupStore, *events: Any) -> None:
    """Feed a recovery batch."""
    memory.apply_changelog_batch(events, lambda key: key, lambda value: value)


def test_ids_of_another_table_are_not_remembered() -> None:
    """Faust applies a record of a partition it lost to the table of the record before."""
    memory = store()

    apply(memory, event(MINE, 0), event(OTHER, 1))

    assert len(memory) == 1
    assert memory.persisted_offset(TP(OTHER, 0)) is None


NOW_MS = 1_800_000_000_000
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    "ahead_ms",
    [1, WINDOW_MS, WINDOW_MS + 1, HOUR_MS, 25 * HOUR_MS, 1_000_000 * HOUR_MS],
    ids=["1 ms", "a window", "more", "an hour", "a day", "a century"],
)
@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
def test_no_block_makes_ids_expire_before_the_broker_has_come_so_far(
    ahead_ms: int, *, together: bool
) -> None:
    """Any producer may write any time into a block of a changelog."""
    memory = store()
    mine = event(MINE, 0, at_ms=NOW_MS - WINDOW_MS + 1)
    foreign = event(MINE, 1, at_ms=NOW_MS, claimed_ms=NOW_MS + ahead_ms)

    for batch in [[mine, foreign]] if together else [[mine], [foreign]]:
        apply(memory, *batch)

    number = np.asarray([1], np.uint64)
    known = memory.index(0).look_up(number, number)
    assert (known.offsets.tolist(), known.appended_ms.tolist()) == ([0], [NOW_MS - WINDOW_MS + 1])


def test_a_block_from_the_future_holds_no_ids() -> None:
    """It would never expire; brokers' clocks may differ by less than a day."""
    memory = store()

    apply(memory, event(MINE, 0, at_ms=NOW_MS, claimed_ms=NOW_MS + 25 * HOUR_MS))
    apply(memory, event(MINE, 1, at_ms=NOW_MS, claimed_ms=NOW_MS + 23 * HOUR_MS))

    assert (len(memory), memory.unreadable) == (1, 1)


@pytest.mark.parametrize("ahead_ms", [1, WINDOW_MS, 23 * HOUR_MS])
def test_blocks_that_are_joined_lend_no_times_to_each_other(ahead_ms: int) -> None:
    """One of later times that lies before others, as when a broker's clock was set back."""
    memory = store()

    apply(
        memory,
        event(MINE, 0, at_ms=NOW_MS, claimed_ms=NOW_MS + ahead_ms),
        event(MINE, 1, at_ms=NOW_MS),
    )

    number = np.asarray([2], np.uint64)
    (appended_ms,) = memory.index(0).look_up(number, number).appended_ms.tolist()
    assert NOW_MS <= appended_ms <= NOW_MS + WINDOW_MS // 1024


def test_ids_expire_as_the_broker_goes_on() -> None:
    """By the times of what workers wrote since."""
    memory = store()

    apply(memory, event(MINE, 0, at_ms=NOW_MS))
    apply(memory, event(MINE, 1, at_ms=NOW_MS + WINDOW_MS + 1))

    assert len(memory) == 1


async def test_what_another_worker_wrote_meanwhile_is_read() -> None:
    """A worker that was paused, taken for dead and given its partition again has missed a block.

    Its own late block lies behind it: seed 505 of chaos counted repeats as first occurrences then.
    """
    memory = store()
    apply(memory, event(MINE, 0))

    memory.set_persisted_offset(TP(MINE, 0), 1)
    memory.set_persisted_offset(TP(MINE, 0), 3)
    await memory.on_rebalance({TP(MINE, 0)})

    assert memory.persisted_offset(TP(MINE, 0)) == 1

    apply(memory, event(MINE, 2), event(MINE, 3))
    memory.set_persisted_offset(TP(MINE, 0), 4)

    assert memory.persisted_offset(TP(MINE, 0)) == 4


def test_a_late_confirmation_does_not_stand_for_what_was_forgotten() -> None:
    """A block may be confirmed after its partition went to another worker."""
    memory = store()

    memory.set_persisted_offset(TP(MINE, 0), 7)

    assert memory.persisted_offset(TP(MINE, 0)) is None


async def test_a_partition_that_comes_back_is_read_from_its_beginning() -> None:
    """What was forgotten when it went must not count as read."""
    offsets = {TP(MINE, 0): 7, TP(OTHER, 0): 7}
    memory = store(offsets)
    apply(memory, event(MINE, 0))

    await memory.on_rebalance(set())

    assert len(memory) == 0
    assert offsets == {TP(OTHER, 0): 7}


@pytest.mark.parametrize(
    ("size", "count", "most"),
    [(2**20, 40, 5), (8 * 2**20, 3, 1), (100, 999, 999), (4 * 2**20 - 1, 4, 2), (0, 50, 50)],
)
@pytest.mark.parametrize("where", ["value", "key", "headers"])
async def test_recovery_gathers_no_more_than_can_be_held(
    size: int, count: int, most: int, where: str
) -> None:
    """Faust gathers a thousand records however long they are; what is gathered is applied."""
    gathered: list[Any] = []
    applied: list[int] = []
    table = DedupTable.__new__(DedupTable)
    table._on_changelog_event, table._gathered_bytes = None, 0
    table.app = SimpleNamespace(tables=SimpleNamespace(recovery=SimpleNamespace(buffers={})))
    table.app.tables.recovery.buffers = defaultdict(lambda: gathered)
    table.apply_changelog_batch = lambda batch: applied.append(len(batch))
    held = 0

    for number in range(count):
        fields: dict[str, Any] = {"value": None, "key": None, "headers": ()}
        fields[where] = (("", b"x" * size),) if where == "headers" else b"x" * size
        gathered.append(SimpleNamespace(message=SimpleNamespace(offset=number, **fields)))
        held = max(held, len(gathered))
        await table.on_changelog_event(gathered[-1])

    assert held <= most
    assert sum(applied) + len(gathered) == count
