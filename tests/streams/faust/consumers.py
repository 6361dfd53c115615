"""Faust's own consumer as the product makes it, over a scripted thread instead of a broker."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from faust.types import TP, ConsumerMessage

from streams.app import create_app
from streams.faust.transport import BatchConsumer
from streams.fetch.fetched_batch import FetchedBatch
from streams.settings import WorkerSettings

LEFT, RIGHT = TP("events", 0), TP("events", 1)
Fetch = Mapping[TP, FetchedBatch]


class ScriptedThread:
    """Stands for the thread in which aiokafka runs; notes what it is asked for."""

    def __init__(self, *fetches: Fetch) -> None:
        self.script = deque(fetches)
        self.asked: list[set[TP]] = []
        self.sought: list[Mapping[TP, int]] = []
        self.starts: dict[TP, int] = {}
        self.positions: dict[TP, int] = {}
        self.committed: list[Mapping[TP, int]] = []
        self.committed_before: Mapping[TP, int | None] = {LEFT: None, RIGHT: None}
        self.takes_commits = True
        assignment = SimpleNamespace(state_value=self._state)
        subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
        self._consumer = SimpleNamespace(_subscription=subscription)

    def _state(self, tp: TP) -> Any:
        position = self.positions.get(tp)
        return SimpleNamespace(position=position, has_valid_position=position is not None)

    async def getmany(self, partitions: set[TP], _timeout: float) -> Fetch:
        """The next fetch of the script; nothing after the last."""
        self.asked.append(partitions)
        return self.script.popleft() if self.script else {}

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Note where fetching goes on."""
        self.sought.append(partitions)

    async def seek_to_committed(self) -> Mapping[TP, int | None]:
        """What the group has committed."""
        return self.committed_before

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """What retention has left."""
        return {tp: self.starts.get(tp, 0) for tp in partitions}

    async def commit(self, offsets: Mapping[TP, int]) -> bool:
        """Take the commit, or do not."""
        if self.takes_commits:
            self.committed.append(offsets)
        return self.takes_commits

    def assignment(self) -> set[TP]:
        """Both partitions."""
        return {LEFT, RIGHT}

    def highwater(self, _tp: TP) -> int:
        """Far away."""
        return 1_000


def consumer_of(thread: ScriptedThread) -> BatchConsumer:
    """The consumer of a worker whose streams are ready, with both partitions assigned."""
    app = create_app(WorkerSettings())
    app.pause_partitions = lambda _: False
    app.tables.actives_ready = True
    app.topics.acks_enabled_for = lambda _: True
    app.producer.flush = _flushed
    consumer: BatchConsumer = app.consumer
    consumer._thread = thread  # type: ignore[assignment]
    consumer._set_active_tps({LEFT, RIGHT})
    return consumer


async def _flushed() -> None:
    """There is nothing to send."""


async def fetch(consumer: BatchConsumer) -> list[ConsumerMessage]:
    """The messages of the next fetch."""
    return [message async for _, message in consumer.getmany(1.0)]
