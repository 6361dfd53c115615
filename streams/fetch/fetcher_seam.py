"""Replaces the part of aiokafka's fetcher that turns bytes into records or fetched batches.

Every consumer of the product reads through it (`streams/fetch/consumers.py`): aiokafka itself opens
a record batch without a limit, and never gets past a header whose name is no text. Its rules of
what a consumer may see stay: checksums, markers, aborted transactions, where the next fetch begins.
Its loop over batches (`PartitionRecords`) runs unchanged, but is given batches that are opened
here; for a fetched batch their only "record" is the whole run of them, undecoded. Three of its
names are replaced:

- `MemoryRecords`, which unpacks the bytes fetched of a partition, is `BoundedRecords`;
- `PartitionRecords`, which keeps what was fetched until a collection, is `LoopRecords`;
- `FetchResult.getall` gives a fetched batch where wanted, and never more than `BATCH_BYTES`.

aiokafka is pinned; `tests/streams/fetch/test_fetched_batches.py` compares with its own reading.
"""

# ruff: noqa: SLF001 - the seam is made of aiokafka's private names, held by its tests

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any, Final, NamedTuple

from aiokafka.consumer import fetcher

from streams.fetch.batch_headers import Batches, BoundedRecords
from streams.fetch.fetched_batch import FetchedBatch, Partition, joined, without_records
from streams.fetch.opening_aside import OpeningAside
from streams.fetch.record_columns import Run, batch_of_runs

# So many bytes are decoded at once: small batches together, as numpy is slow with few records; not
# all of a fetch, as decompressed batches need memory.
PORTION_BYTES: Final = 4 * 2**20

# No more is given at once, apart from a last batch: one fetch may decompress to gigabytes.
BATCH_BYTES: Final = 4 * 2**20
# What a single record takes in aiokafka's form, besides its bytes.
_OBJECTS_BYTES: Final = 500

# A partition that waits for its turn is asked for records again and again.
_WAITS_SECONDS: Final = 5.0

Wanted = Callable[[Any], bool]
_wanted: ContextVar[Wanted | None] = ContextVar("wanted", default=None)
_waited_at: dict[Any, float] = {}


class LoopRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's loop over the batches of one fetch, freed when it is dropped.

    Its own refers to itself through its iterator, and would keep what was fetched and decompressed
    until a collection.
    """

    _loop = fetcher.PartitionRecords._unpack_records

    def _unpack_records(self) -> Any:
        return LoopRecords._loop(weakref.proxy(self))


class BatchRecords(LoopRecords):
    """What was fetched of a partition, taken in fetched batches.

    `next_fetch_offset` is always what aiokafka's would be after as many records.
    """

    next_fetch_offset: int

    def __init__(self, records: fetcher.PartitionRecords) -> None:
        super().__init__(
            records._tp,
            Batches(records._records.data),
            records._aborted_transactions,
            records.next_fetch_offset,
            records._key_deserializer,
            records._value_deserializer,
            records._check_crcs,
            records._isolation_level,
        )
        self._partition = Partition(*records._tp)
        self._rest: FetchedBatch | None = None
        self._read = False
        self.waits = False
        # Bytes of the records of the fetched batch that is being made.
        self._bytes = 0
        # What aiokafka's loop has read, which may be more than was taken.
        self._read_to: int = records.next_fetch_offset

    def _consumer_record(self, tp: Any, record: Run) -> Run:  # noqa: ARG002 - aiokafka's signature
        """Note, in aiokafka's loop, from which offset on records were requested."""
        record.floor = self.next_fetch_offset
        return record

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left."""
        return self._read and self._rest is None

    def take(self, limit: int, *, before_long: bool = False) -> FetchedBatch | None:
        """The next records, *limit* of them unless fewer are left, or before a long batch.

        The fetched batch states which offsets it covers: from `next_fetch_offset` before to after.
        That holds wherever a fetch begins and whatever lies there, even where no record is visible.
        None when the fetch brought no whole record batch.

        Raises what aiokafka does; nothing of what was fetched is to be taken after that.
        """
        follows = self.next_fetch_offset
        parts = [] if self._rest is None else [self._rest]
        self._rest = None
        missing = limit - sum(map(len, parts))
        self._bytes = 0
        self.waits = False
        while missing > 0 and self._bytes < BATCH_BYTES and not self._read and not self.waits:
            portion = list(self._portion(missing, before_long=before_long))
            parts += portion
            missing -= sum(map(len, portion))
        fetched = joined(parts)
        if fetched is not None and (missing <= 0 or not self._read):
            fetched, self._rest = fetched.cut(limit)
            self.next_fetch_offset = fetched.last + 1
            return replace(fetched, follows=min(follows, fetched.first), up_to=fetched.last + 1)
        return self._whole(fetched, follows)

    def _whole(self, fetched: FetchedBatch | None, follows: int) -> FetchedBatch | None:
        """*fetched*, all that was left, with the offsets after it that have no record."""
        self.next_fetch_offset = end = self._read_to
        latest_ms = self._records.latest_ms
        if fetched is not None:
            follows, end = min(follows, fetched.first), max(end, fetched.end)
            return replace(fetched, follows=follows, up_to=end, latest_ms=latest_ms)
        return without_records(self._partition, follows, end, latest_ms) if end > follows else None

    def _portion(self, limit: int, *, before_long: bool) -> Iterator[FetchedBatch]:
        """Whole batches up to *limit* records, or as many as are decoded at once."""
        found: list[Run] = []
        count = size_bytes = 0
        while count < limit and size_bytes < PORTION_BYTES:
            self.waits = self._records.must_wait() or (before_long and self._records.opens_long())
            if self.waits:
                break
            try:
                run: Run = next(self)
            except StopIteration:
                self._read = True
                break
            found.append(run)
            count += len(run.begins)
            size_bytes += run.size_bytes
        self._read_to = self.next_fetch_offset
        self._bytes += size_bytes
        if found and (fetched := batch_of_runs(self._partition, found)) is not None:
            yield fetched


def install() -> None:
    """Limit what consumers of this process open, and let them read `as_batches`."""
    fetcher.MemoryRecords = BoundedRecords
    fetcher.PartitionRecords = LoopRecords
    fetcher.FetchResult.getall = _getall


@contextmanager
def as_batches(wanted: Wanted) -> Iterator[None]:
    """Within it, in this task, partitions that are *wanted* so are fetched in batches."""
    token = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(token)


class _Taken(NamedTuple):
    """What was taken of one fetch: a fetched batch, records or nothing; whether more waits."""

    found: Any
    waits: bool
    exhausted: bool


def _getall(result: Any, max_records: int | None = None) -> Any:
    """`FetchResult.getall`, which gives records, or one fetched batch where that is wanted.

    Within `as_batches` a long batch is opened aside; until then there is nothing to get.
    """
    tp, wanted = result._topic_partition, _wanted.get()
    if not result.check_assignment(tp) or not result.has_more():
        return []
    records = result._partition_records
    if isinstance(records, OpeningAside):
        if not records.is_done():
            _note(tp, waits=True)
            return []
        result._partition_records = records.records
        taken = records.collect()
    else:
        if wanted is not None and wanted(tp) and not isinstance(records, BatchRecords):
            records = result._partition_records = BatchRecords(records)
        take = partial(_take, records, sys.maxsize if max_records is None else max_records)
        if wanted is not None and records._records.opens_long():
            result._partition_records = OpeningAside(records, partial(take, before_long=False))
            _note(tp, waits=True)
            return []
        taken = take(before_long=wanted is not None)
    _note(tp, waits=taken.waits)
    result._update_position()
    if taken.exhausted:
        result._partition_records = None
    return taken.found


def _take(records: Any, limit: int, *, before_long: bool) -> _Taken:
    """The next of *records*, *limit* of them unless they are many bytes or fewer are left.

    Those *before* a *long* batch if there is one.
    """
    if isinstance(records, BatchRecords):
        fetched = records.take(limit, before_long=before_long)
        return _Taken([] if fetched is None else fetched, records.waits, records.exhausted)
    found: list[Any] = []
    held_bytes = 0
    while len(found) < limit and held_bytes < BATCH_BYTES:
        if records._records.must_wait() or (before_long and records._records.opens_long()):
            return _Taken(found, waits=True, exhausted=False)
        record = next(records, None)
        if record is None:
            return _Taken(found, waits=False, exhausted=True)
        found.append(record)
        held_bytes += _OBJECTS_BYTES + len(record.key or b"") + len(record.value or b"")
        held_bytes += sum(len(name) + len(value or b"") for name, value in record.headers)
    return _Taken(found, waits=False, exhausted=False)


def waits_for_turn(tp: Any) -> bool:
    """Whether records of *tp* were fetched that wait for their turn to be opened, or are opened."""
    return monotonic() - _waited_at.get(tp, -_WAITS_SECONDS) < _WAITS_SECONDS


def _note(tp: Any, *, waits: bool) -> None:
    if waits:
        _waited_at[tp] = monotonic()
    else:
        _waited_at.pop(tp, None)
