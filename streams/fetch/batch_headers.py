"""Finds the record batches in fetched bytes and reads their headers without decoding records.

aiokafka's own batch class answers what its loop asks: checksum, offsets, producer, whether it is a
marker. It does not expose its bytes, so its records are found here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from typing import Any, Final

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

from streams.fetch import window_turns
from streams.fetch.decompression import opened as open_packed
from streams.fetch.decompression import widest_window
from streams.fetch.old_batches import OldBatch
from streams.fetch.record_columns import Record, Run, begins_of, offset_of, records_of
from streams.fetch.record_runs import RUN_RECORDS, WHOLE_BYTES, Opened, runs

# All formats begin the same way, with base offset and length; the version has the same position.
_OVERHEAD_BYTES: Final = 12
_VERSION_AT: Final = 16
_OLD_MIN_BYTES: Final = 14
# The header of a batch of format 2; the number of records comes last.
_HEADER_BYTES: Final = 61
_COUNT_AT: Final = 57
_INT32 = struct.Struct(">i")


class Batch:
    """A record batch of format 2 that iterates over its records as runs: mostly one."""

    def __init__(self, data: bytes, begin: int, end: int) -> None:
        if end - begin < _HEADER_BYTES:
            raise CorruptRecordException("A batch is shorter than its header.")
        known = DefaultRecordBatch(memoryview(data)[begin:end])
        self._known, self._data, self._begin, self._end = known, data, begin, end
        # What aiokafka's loop asks of a batch.
        self.validate_crc = known.validate_crc
        self.producer_id = known.producer_id
        self.base_offset = known.base_offset
        self.next_offset = known.next_offset
        self.is_control_batch = known.is_control_batch
        self.is_transactional = known.is_transactional
        self.latest_ms = known.max_timestamp
        self._packed = memoryview(data)[begin + _HEADER_BYTES : end]
        self._opened: Opened | None = None

    @cached_property
    def keeps_a_wide_window(self) -> bool:
        """Whether it opens to so much that it cannot be held, by a wide window of zstd.

        Opens as much of it as may be held. Raises `CorruptRecordException`.
        """
        return (
            self._known.compression_type == DefaultRecordBatch.CODEC_ZSTD
            and widest_window(self._packed) > window_turns.WIDE_BYTES
            and not self._is_whole()
        )

    @cached_property
    def opens_long(self) -> bool:
        """Whether it opens to so much that it cannot be held; raises `CorruptRecordException`."""
        return bool(self._known.compression_type) and not self._is_whole()

    def _is_whole(self) -> bool:
        """Open as much as may be held; whether that is all."""
        if self._opened is None:
            self._opened = Opened(open_packed(self._known.compression_type, self._packed))
        return not self._opened.fill(WHOLE_BYTES + 1)

    def __next__(self) -> Any:
        """The marker in a control batch, which is the only one whose record aiokafka looks at."""
        return next(self._known)

    def __iter__(self) -> Iterator[Run]:
        body, at, end = self._data, self._begin + _HEADER_BYTES, self._end
        (count,) = _INT32.unpack_from(body, self._begin + _COUNT_AT)
        whole = True
        opened: Opened | None = None
        if self._known.compression_type:
            whole = self._is_whole()
            # The holder of the batch must not hold what is decompressed of it.
            opened, self._opened = self._opened, None
        if opened is not None:
            body, at, end = opened.held, 0, len(opened.held)
        if whole and count <= RUN_RECORDS:
            begins = begins_of(body, at, end=end, count=count)
            if begins:
                yield self._run(body, begins, end, self.next_offset - 1)
            return
        del body
        opened = opened or Opened(iter(()), self._packed)
        yield from map(self._run_of, runs(opened, count))

    def _run_of(self, records: tuple[bytes, list[int], int]) -> Run:
        body, begins, end = records
        return self._run(body, begins, end, offset_of(body, begins[-1], self.base_offset))

    def _run(self, body: bytes, begins: list[int], end: int, offset: int) -> Run:
        known = self._known
        appended = bool(known.timestamp_type)
        base_ms = known.max_timestamp if appended else known.first_timestamp
        return Run(body, begins, end, self.base_offset, base_ms, appended, offset)


class Batches:
    """The record batches in *data*, in order; an incomplete last one does not count.

    aiokafka takes the format of the first batch for all. Here each has its own.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._at = 0
        self._next: Batch | OldBatch | None = None
        # The latest append time of the batches given so far, those of markers too.
        self.latest_ms = 0
        self._within_long = False

    def has_next(self) -> bool:
        """Whether there is another batch; asked when the one before it was taken to its end."""
        window_turns.TURNS.give_back(self)
        self._within_long = False
        return self.is_there()

    def must_wait(self) -> bool:
        """Whether the next batch keeps a wide window and it is not its turn."""
        if not self.is_there():
            return False
        try:
            batch = self.peek()
            wide = isinstance(batch, Batch) and batch.keeps_a_wide_window
        except CorruptRecordException:
            return False  # aiokafka's loop comes to it, and says so
        return wide and not window_turns.TURNS.take(self)

    def opens_long(self) -> bool:
        """Whether what comes next is of a batch that takes long to open."""
        if self._within_long or not self.is_there():
            return self._within_long
        try:
            return self.peek().opens_long
        except CorruptRecordException:
            return False  # aiokafka's loop comes to it, and says so

    def is_there(self) -> bool:
        """Whether another batch is complete."""
        left = len(self.data) - self._at
        return left >= _OVERHEAD_BYTES and left >= self._size()

    def next_batch(self) -> Any:
        """The next batch."""
        self._within_long = self.opens_long()
        batch = self.peek()
        self._at += self._size()
        self._next = None
        if isinstance(batch, Batch):
            self.latest_ms = max(self.latest_ms, batch.latest_ms)
            if batch.keeps_a_wide_window:
                window_turns.TURNS.take(self)
        return batch

    def peek(self) -> Batch | OldBatch:
        """The next batch, which stays the next one."""
        if self._next is None:
            begin, size = self._at, self._size()
            if size < _OVERHEAD_BYTES + _OLD_MIN_BYTES:
                raise CorruptRecordException("A batch is shorter than its header.")
            kind = OldBatch if self.data[begin + _VERSION_AT] < 2 else Batch
            self._next = kind(self.data, begin, begin + size)
        return self._next

    def _size(self) -> int:
        (length,) = _INT32.unpack_from(self.data, self._at + 8)
        return _OVERHEAD_BYTES + int(length)


def first_batch(data: bytes) -> Batch | OldBatch | None:
    """The first record batch in *data*, not opened; None where none is complete."""
    batches = Batches(data)
    return batches.peek() if batches.is_there() else None


class BoundedRecords(Batches):
    """Replaces aiokafka's `MemoryRecords`: record batches that iterate over single records."""

    def size_in_bytes(self) -> int:
        """Bytes fetched."""
        return len(self.data)

    def next_batch(self) -> Any:
        """The next batch."""
        return _ByRecord(super().next_batch())


class _ByRecord:
    """A record batch that gives the records of its runs one by one."""

    def __init__(self, batch: Batch | OldBatch) -> None:
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        """Everything else that aiokafka's loop asks of a batch."""
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)  # type: ignore[arg-type]  # of a control batch, which is none

    def __iter__(self) -> Iterator[Record]:
        # No variable here may hold a run while the next one is opened.
        return chain.from_iterable(map(records_of, self._batch))
