"""What does a table's memory hold around a rebalance?"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from faust.types import TP

from streams.seen.blocks import Block, pack
from streams.seen.table import SeenStore

MINE, OTHER = "mine-changelog", "other-changelog"


def store(offsets: dict[TP, int] | None = None) -> SeenStore:
    """A store without a Faust app behind it."""
    recovery = SimpleNamespace(active_offsets=offsets if offsets is not None else {})
    app: Any = SimpleNamespace(tables=SimpleNamespace(recovery=recovery))
    changelog = SimpleNamespace(get_topic_name=lambda: MINE)
    made = SeenStore.__new__(SeenStore)
    made.app, made.table = app, SimpleNamespace(changelog_topic=changelog, window_ms=10_000)
    made.indexes, made.unreadable, made._applied = {}, 0, {}
    return made


def event(topic: str, offset: int) -> Any:
    """A changelog event with one id of its own."""
    number = np.asarray([offset + 1], np.uint64)
    block = Block(number, number, np.asarray([offset]), np.asarray([1], np.uint32), 0, 0)
    message = SimpleNamespace(tp=TP(topic, 0), partition=0, offset=offset, value=pack(block))
    return SimpleNamespace(message=message)


def apply(memory: SeenStore, *events: Any) -> None:
    """Feed a recovery batch."""
    memory.apply_changelog_batch(events, lambda key: key, lambda value: value)


def test_ids_of_another_table_are_not_remembered() -> None:
    """Faust applies a record of a partition it lost to the table of the record before."""
    memory = store()

    apply(memory, event(MINE, 0), event(OTHER, 1))

    assert len(memory) == 1
    assert memory.persisted_offset(TP(OTHER, 0)) is None


async def test_what_another_worker_wrote_meanwhile_is_read() -> None:
    """A worker that was paused, taken for dead and given its partition again has missed a block.

    Its own late block lies behind it: seed 505 of chaos counted repeats as first sightings then.
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
