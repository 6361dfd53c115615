"""What one fetch brought of a partition, taken by aiokafka record by record, or in batches."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from streams.fetch.batch_headers import BoundedRecords
from streams.fetch.fetched_batch import FetchedBatch
from streams.fetch.fetcher_seam import as_batches
from streams.fetch.opening_aside import OpeningAside

EVENTS = TopicPartition("events", 0)
Rows = list[tuple[int, int, bytes | None, tuple[tuple[str, bytes | None], ...]]]
Step = tuple[Rows, int, bool]


def _unchanged() -> ModuleType:
    """Aiokafka's fetcher once more, of which nothing is replaced."""
    spec = importlib.util.find_spec("aiokafka.consumer.fetcher")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


UNCHANGED = _unchanged()


class Fetched:
    """The ways to take a fetch; `install` must have been called.

    With *own* all is aiokafka's.
    """

    def __init__(
        self,
        data: bytes,
        *,
        offset: int = 0,
        aborted: Sequence[tuple[int, int]] = (),
        check_crcs: bool = True,
        own: bool = False,
    ) -> None:
        self.state = SimpleNamespace(paused=False, position=offset)
        self.state.consumed_to = lambda position: setattr(self.state, "position", position)
        module: Any = UNCHANGED if own else fetcher
        self.result = module.FetchResult(
            EVENTS,
            assignment=SimpleNamespace(active=True, state_value=lambda _: self.state),
            partition_records=module.PartitionRecords(
                EVENTS,
                MemoryRecords(data) if own else BoundedRecords(data),
                list(aborted),
                offset,
                None,
                None,
                check_crcs,
                module.READ_COMMITTED,
            ),
            backoff=0.1,
        )

    def by_record(self, limits: Iterator[int | None]) -> Iterator[Step]:
        """Rows, position and whether there is more, fetch by fetch."""
        while self.result.has_more():
            got = self.result.getall(next(limits))
            rows = [(one.offset, one.timestamp, one.value, one.headers) for one in got]
            yield rows, self.state.position, self.result.has_more()

    def by_batch(self, limits: Iterator[int | None]) -> Iterator[Step]:
        """The same, in fetched batches."""
        while self.result.has_more():
            before = self.state.position
            with as_batches(lambda _: True):
                got = get(self.result, next(limits))
            # A broker's position never goes back; batches made up here may end before it.
            if self.state.position > before:
                assert isinstance(got, FetchedBatch), (
                    "the position went on and nothing was handed on"
                )
                within = got.offsets.tolist() or [before, self.state.position - 1]
                assert got.follows == min(before, within[0])
                assert got.end == max(self.state.position, within[-1] + 1)
            yield rows_of(got), self.state.position, self.result.has_more()


def get(result: Any, limit: int | None = None) -> Any:
    """What `getall` gives, once what it needs is opened on the thread for it."""
    got = result.getall(limit)
    while isinstance(aside := result._partition_records, OpeningAside):
        assert aside.is_done(wait_seconds=60)
        got = result.getall(limit)
    return got


def rows_of(fetched: Any) -> Rows:
    """The records of a fetched batch."""
    if fetched == []:
        return []
    assert isinstance(fetched, FetchedBatch)
    offsets, times = fetched.offsets.tolist(), fetched.appended_ms.tolist()
    assert all(fetched.follows <= offset < fetched.end for offset in offsets)
    return list(zip(offsets, times, fetched.values, fetched.headers, strict=True))


def endless(limits: Sequence[int | None]) -> Iterator[int | None]:
    """*limits*, the last one again and again."""
    yield from limits
    while True:
        yield limits[-1]


def outcome(steps: Iterator[Step]) -> tuple[list[Step], type[Exception] | None]:
    """What came, and the error that ended it."""
    came: list[Step] = []
    try:
        came.extend(steps)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return came, type(error)
    return came, None
