"""Turns the records of Kafka's batches (message format 2) into columns, field by field.

aiokafka makes four objects a record, only to be taken apart again. Here only the lengths are read
record by record; every other field is read for all records at once, values are cut out, and
neighbours with the same header bytes (those of one request) share one decoded tuple.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
from aiokafka.errors import CorruptRecordException

from streams.fetch.fetched_batch import FetchedBatch, Headers, Partition
from streams.fetch.varints import I64, varint, varints


@dataclass(slots=True)
class Run:
    """The records of one batch, undecoded: in `body`, at `begins`, the last one to `end`.

    Offsets and times count from `base_offset` and `base_ms`; `appended` means that `base_ms` is the
    log append time of all of them. Records below offset `floor` were not requested; `offset` is the
    last one that the batch covers, whether its record is still there or not.
    """

    body: bytes
    begins: list[int]
    end: int
    base_offset: int
    base_ms: int
    appended: bool
    offset: int
    floor: int = 0

    @property
    def size_bytes(self) -> int:
        """Bytes of the records, uncompressed."""
        return self.end - self.begins[0]


class Record(NamedTuple):
    """One record, with the names of fields that aiokafka's own have."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    checksum: None = None


def begins_of(body: bytes, at: int, *, end: int, count: int) -> list[int]:
    """Where *count* records begin that lie in *body* from *at* to *end*.

    Raises `CorruptRecordException` when they do not end there.
    """
    begins: list[int] = []
    note, steps, two_bytes = begins.append, _STEPS, _TWO_BYTES
    try:
        for _ in range(count):
            note(at)
            at += steps[two_bytes(body, at)[0]] or _long_step(body, at)
    except (IndexError, struct.error):
        raise CorruptRecordException("A record goes past the end of its batch.") from None
    if at != end:
        raise CorruptRecordException(f"Records end at {at} of a batch that ends at {end}.")
    return begins


def begins_within(body: bytes, *, count: int) -> tuple[list[int], int]:
    """Where at most *count* records begin that lie wholly in *body*, and where they end."""
    begins: list[int] = []
    at, end = 0, len(body)
    try:
        for _ in range(count):
            step = _STEPS[_TWO_BYTES(body, at)[0]] or _long_step(body, at)
            if at + step > end:
                break
            begins.append(at)
            at += step
    except (IndexError, struct.error):
        pass  # not even the length of the next one is there
    return begins, at


def offset_of(body: bytes, at: int, base_offset: int) -> int:
    """The offset of the record at *at*."""
    _, at = varint(body, at)
    _, at = varint(body, at)
    _, at = varint(body, at)
    return base_offset + varint(body, at)[0]


def _long_step(body: bytes, at: int) -> int:
    """Bytes from the record at *at* to the next."""
    size, begin = varint(body, at)
    if size < 0:
        raise CorruptRecordException("A record has a negative length.")
    return begin - at + size


def _steps() -> list[int]:
    """The same by the first two bytes of a record; 0 where they are not enough.

    This is the only loop over records in Python: a table makes it twice as fast.
    """
    shared = list(range(0x2002))
    two = np.arange(0x1_0000)
    low, high = two & 0xFF, two >> 8
    one = np.where(low & 1, 0, (low >> 1) + 1)
    both = np.where((low & 1) | (high & 0x80), 0, ((low & 0x7F) >> 1) + (high << 6) + 2)
    return [shared[step] for step in np.where(low < 0x80, one, both).tolist()]


_STEPS: Final = _steps()
_TWO_BYTES: Final = struct.Struct("<H").unpack_from


def batch_of_runs(partition: Partition, runs: Sequence[Run]) -> FetchedBatch | None:
    """Decode *runs*, in order, to a fetched batch; None when none of their records was requested.

    A record whose offset is not higher than those before it is left out, as aiokafka does. Raises
    `CorruptRecordException` for what is no record.
    """
    try:
        return _decode(partition, runs)
    except IndexError:
        raise CorruptRecordException("A field goes past the end of its batch.") from None


def records_of(run: Run) -> Iterator[Record]:
    """Decode *run* to single records, for consumers of records; raises as `batch_of_runs`."""
    try:
        fields = _fields(run.body, run.begins)
        offsets = (fields.delta + run.base_offset).tolist()
        times = (fields.delta_ms * (not run.appended) + run.base_ms).tolist()
        keys = fields.keys(run.body)
        values, headers = fields.values(run.body), fields.headers(run.body)
    except IndexError:
        raise CorruptRecordException("A field goes past the end of its batch.") from None
    kind = int(run.appended)
    # What has been given is not kept any longer.
    del run, fields
    for column in (offsets, times, keys, values, headers):
        column.reverse()
    while offsets:
        yield Record(offsets.pop(), times.pop(), kind, keys.pop(), values.pop(), headers.pop())


class _Fields(NamedTuple):
    """Where the fields of records lie in their body, and the numbers among them."""

    delta_ms: I64
    delta: I64
    key_size: I64
    key_at: I64
    value_size: I64
    value_at: I64
    headers_at: I64
    ends: I64

    def keys(self, body: bytes) -> list[bytes | None]:
        ends = self.key_at + np.maximum(self.key_size, 0)
        return _cut_out(body, self.key_at, ends, self.key_size)

    def values(self, body: bytes) -> list[bytes | None]:
        return _cut_out(body, self.value_at, self.headers_at, self.value_size)

    def headers(self, body: bytes) -> list[Headers]:
        return _headers(body, self.headers_at.tolist(), self.ends.tolist())


def _fields(body: bytes, begins: Sequence[int]) -> _Fields:
    data = np.frombuffer(body, np.uint8)
    length, at = varints(data, np.array(begins, np.int64))
    ends = at + length
    _attributes, at = varints(data, at)
    delta_ms, at = varints(data, at)
    delta, at = varints(data, at)
    key_size, key_at = varints(data, at)
    value_size, value_at = varints(data, _past(key_size, key_at, ends))
    headers_at = _past(value_size, value_at, ends)
    if (headers_at >= ends).any():
        raise CorruptRecordException("A field goes past the end of its record.")
    return _Fields(delta_ms, delta, key_size, key_at, value_size, value_at, headers_at, ends)


def _decode(partition: Partition, runs: Sequence[Run]) -> FetchedBatch | None:
    body, begins = _one_body(runs)
    fields = _fields(body, begins)
    offsets = _of_each([run.base_offset for run in runs], runs) + fields.delta
    own = _of_each([not run.appended for run in runs], runs)
    decoded = FetchedBatch(
        partition,
        int(offsets[0]),
        offsets,
        _of_each([run.base_ms for run in runs], runs) + fields.delta_ms * own,
        fields.values(body),
        fields.headers(body),
    )
    return _asked_for(decoded, _of_each([run.floor for run in runs], runs), runs)


def _one_body(runs: Sequence[Run]) -> tuple[bytes, list[int]]:
    """All records in one body: uncompressed batches of a fetch lie in one, others are joined."""
    body = runs[0].body
    if all(run.body is body for run in runs):
        return body, [begin for run in runs for begin in run.begins]
    begins: list[int] = []
    joined = 0
    for run in runs:
        shift = joined - run.begins[0]
        begins += [begin + shift for begin in run.begins]
        joined += run.size_bytes
    return b"".join(run.body[run.begins[0] : run.end] for run in runs), begins


def _of_each(values: Sequence[int], runs: Sequence[Run]) -> I64:
    """A value of each run, once for each of its records."""
    return np.repeat(np.array(values, np.int64), [len(run.begins) for run in runs])


def _past(size: I64, at: I64, ends: I64) -> I64:
    """Where bytes end that begin at *at*; there are none where *size* is negative."""
    # Compared so that no sum can overflow.
    if (size > ends - at).any():
        raise CorruptRecordException("A key or value goes past the end of its record.")
    return at + np.maximum(size, 0)


def _cut_out(body: bytes, begins: I64, ends: I64, size: I64) -> list[bytes | None]:
    """The bytes of a field of each record; None where there is none."""
    places = zip(begins.tolist(), ends.tolist(), strict=True)
    found: list[bytes | None] = [body[begin:end] for begin, end in places]
    for row in np.flatnonzero(size < 0).tolist():
        found[row] = None
    return found


def _headers(body: bytes, begins: list[int], ends: list[int]) -> list[Headers]:
    blocks = [body[begin:end] for begin, end in zip(begins, ends, strict=True)]
    headers: list[Headers] = []
    for block, same in groupby(blocks):
        headers += [headers_of(block)] * len(list(same))
    return headers


def headers_of(block: bytes) -> Headers:
    """The headers that *block* holds, their number first.

    Raises `CorruptRecordException` or `IndexError` when they do not end with it.
    """
    count, at = varint(block, 0)
    if count < 0:
        raise CorruptRecordException("A record has a negative number of headers.")
    headers = []
    for _ in range(count):
        # Nearly all sizes take one byte, and a producer's blocks may all differ.
        byte = block[at]
        size, at = varint(block, at) if byte & 0x81 else (byte >> 1, at + 1)
        end = at + size
        if not at <= end < len(block):
            raise CorruptRecordException("The name of a header goes past the end of its record.")
        # Other clients may write any bytes here: a name that is no text is no name of ours.
        name = block[at:end].decode("utf-8", "replace")
        byte = block[end]
        size, at = varint(block, end) if byte & 0x81 else (byte >> 1, end + 1)
        end = max(at, at + size)
        headers.append((name, block[at:end] if size >= 0 else None))
        at = end
    if at != len(block):
        raise CorruptRecordException("The headers of a record do not end with it.")
    return tuple(headers)  # type: ignore[arg-type]  # null values are unusual, but allowed


def _asked_for(decoded: FetchedBatch, floors: I64, runs: Sequence[Run]) -> FetchedBatch | None:
    offsets = decoded.offsets
    if (offsets >= floors).all() and (offsets[1:] > offsets[:-1]).all():
        return decoded
    wanted, start = [], 0
    for run in runs:
        peak = run.floor - 1
        for row, offset in enumerate(offsets[start : start + len(run.begins)].tolist(), start):
            if offset > peak:
                wanted.append(row)
                peak = offset
        start += len(run.begins)
    kept = decoded.only(np.array(wanted, np.int64))
    return kept and replace(kept, follows=kept.first)
