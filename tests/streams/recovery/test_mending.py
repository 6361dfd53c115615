"""Which partitions are checked although no record comes from them, and what follows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from events.contract.registry import EVENT_TYPES, REJECTED_TOPIC
from streams.fetch.fetched_batch import FetchedBatch, Partition
from streams.recovery.mending import Mending
from streams.recovery.recovery_offset import RecoveryOffset

FIRST, SECOND = TP(EVENT_TYPES[0].topic, 0), TP(EVENT_TYPES[0].topic, 1)
DEAD_LETTERS = TP(REJECTED_TOPIC, 0)
CHANGELOG = TP("railhead-seen-x-changelog", 0)


class Stream:
    """A worker's stream whose partitions were committed up to 50, and stored up to `stored`."""

    def __init__(self, stored: dict[TP, int]) -> None:
        self.stored = stored
        self.asked: list[tuple[str, FetchedBatch]] = []
        self.rewound: list[tuple[Partition, int]] = []
        self.partition_writers: list[Any] = []
        self.incarnations: dict[str, str] = {EVENT_TYPES[0].topic: "life", REJECTED_TOPIC: ""}
        self.app = SimpleNamespace(
            consumer=SimpleNamespace(
                assignment=lambda: {*self.stored, CHANGELOG},
                start_offset_of=self._start_offset_of,
                incarnation_of=lambda topic: self.incarnations.get(topic),  # noqa: PLW0108 - set later
                rewind=self._rewind,
            ),
            rebalancing=False,
            consumer_generation_id=1,
            tables=SimpleNamespace(actives_ready=True),
        )

    async def _start_offset_of(self, _: Partition) -> int:
        return 50

    async def _rewind(self, partition: Partition, offset: int) -> None:
        self.rewound.append((partition, offset))

    async def find_recovery_offset(self, table: str, fetched: FetchedBatch) -> RecoveryOffset:
        """Where the store says to go on."""
        self.asked.append((table, fetched))
        end = self.stored[TP(*fetched.partition)]
        return RecoveryOffset(end, end, {})


async def test_what_is_missing_is_fetched_where_no_record_follows() -> None:
    """Once for each assignment; changelogs are not the store's."""
    stream = Stream({FIRST: 50, SECOND: 20, DEAD_LETTERS: 7})
    mending = Mending(stream)  # type: ignore[arg-type]

    await mending.look()
    await mending.look()

    assert sorted(table for table, _ in stream.asked) == ["casino", "casino", "rejected"]
    assert stream.rewound == [(Partition(*SECOND), 20), (Partition(*DEAD_LETTERS), 7)]
    stream.app.consumer_generation_id = 2
    await mending.look()
    assert len(stream.asked) == 6


async def test_the_check_assumes_nothing_of_what_comes_next() -> None:
    """No range of the ledger is taken for another topic's by it."""
    stream = Stream({FIRST: 50})

    await Mending(stream).look()  # type: ignore[arg-type]

    ((_, fetched),) = stream.asked
    assert (len(fetched), fetched.follows) == (0, 50)
    assert fetched.end > 10**18
    assert fetched.incarnation == "life"


async def test_a_topic_whose_incarnation_is_not_known_yet_is_looked_at_later() -> None:
    """Rows and ranges that name one would count as another topic's, and all be stored again."""
    stream = Stream({FIRST: 20})
    stream.incarnations = {}
    mending = Mending(stream)  # type: ignore[arg-type]

    await mending.look()

    assert stream.asked == []
    stream.incarnations = {FIRST.topic: "life"}
    await mending.look()
    assert len(stream.asked) == 1


async def test_a_partition_with_a_writer_looks_for_itself() -> None:
    """Before its first fetched batch."""
    stream = Stream({FIRST: 20, SECOND: 50})
    stream.partition_writers = [SimpleNamespace(partition=Partition(*FIRST))]

    await Mending(stream).look()  # type: ignore[arg-type]

    assert [fetched.partition for _, fetched in stream.asked] == [Partition(*SECOND)]


@pytest.mark.parametrize("what", ["rebalancing", "recovering", "not connected"])
async def test_nothing_is_looked_at_before_the_partitions_are_settled(what: str) -> None:
    """They may be another worker's in a moment."""
    stream = Stream({FIRST: 20})
    stream.app.rebalancing = what == "rebalancing"
    stream.app.tables.actives_ready = what != "recovering"
    stream.app.consumer = stream.app.consumer if what != "not connected" else None

    await Mending(stream).look()  # type: ignore[arg-type]

    assert stream.asked == []
