"""Cuts the records of one batch into bounded runs while it is being decompressed.

A batch that decompresses to more than `WHOLE_BYTES`, or holds more than `RUN_RECORDS`, becomes
several runs, each of whole records. A record of more than `RECORD_BYTES` is never held as a whole:
its value is cut, as no item may be so long and less is kept of refused ones; its headers are kept
unless they are that long themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from aiokafka.errors import CorruptRecordException

from streams.fetch.record_columns import begins_within
from streams.fetch.varints import varint, varint_bytes

WHOLE_BYTES: Final = 4 * 2**20
RUN_BYTES: Final = 2**20
RUN_RECORDS: Final = 16_384
RECORD_BYTES: Final = 8 * 2**20
# Most bytes of headers kept after a value that is cut.
_HEADERS_BYTES: Final = 2**16
_NO_HEADERS: Final = b"\0"
# The most that comes before a record's key: five varints of ten bytes, and one byte.
_HEAD_BYTES: Final = 64


class Opened:
    """What is decompressed and not read yet, and where more comes from."""

    def __init__(self, chunks: Iterator[bytes], held: memoryview | bytes = b"") -> None:
        self._chunks = chunks
        self.held = bytes(held)

    def fill(self, size: int) -> bool:
        """Hold *size* bytes; returns whether there are so many."""
        parts, held = [self.held], len(self.held)
        while held < size and (chunk := next(self._chunks, None)) is not None:
            parts.append(chunk)
            held += len(chunk)
        if len(parts) > 1:
            self.held = b"".join(parts)
        return held >= size

    def skip(self, size: int) -> None:
        """Drop *size* bytes; raises `CorruptRecordException` when there are not so many."""
        while size > len(self.held):
            size -= len(self.held)
            self.held = next(self._chunks, b"")
            if not self.held:
                raise CorruptRecordException("A record goes past the end of its batch.")
        self.held = self.held[size:]


def runs(opened: Opened, count: int) -> Iterator[tuple[bytes, list[int], int]]:
    """Bytes, where records begin in them and where the last one ends, until *count* were given.

    Raises `CorruptRecordException` when the records do not end where what is opened does.
    """
    while count:
        opened.fill(RUN_BYTES)
        begins, end = begins_within(opened.held, count=min(count, RUN_RECORDS))
        if begins:
            yield opened.held, begins, end
            opened.skip(end)
        else:
            # No variable here may hold it while the next ones are opened.
            yield _alone(_long_record(opened))
        count -= len(begins) or 1
    if opened.fill(1):
        raise CorruptRecordException("A batch holds more than its records.")


def _alone(record: bytes) -> tuple[bytes, list[int], int]:
    return record, [0], len(record)


def _long_record(opened: Opened) -> bytes:
    """The next record, which is not held as a whole yet; of a very long one what is kept."""
    opened.fill(_HEAD_BYTES)
    try:
        size, begin = varint(opened.held, 0)
        if size < 0:
            raise CorruptRecordException("A record has a negative length.")
        if size > RECORD_BYTES:
            return _shortened(opened, begin + size)
    except IndexError:
        size = begin = 0
    if not begin or not opened.fill(begin + size):
        raise CorruptRecordException("A record goes past the end of its batch.")
    record = opened.held[: begin + size]
    opened.skip(len(record))
    return record


def _shortened(opened: Opened, end: int) -> bytes:
    """The record that ends *end* bytes from here, without its key and most of its value."""
    _, begin = varint(opened.held, 0)
    _, at = varint(opened.held, begin + 1)
    _, key_at = varint(opened.held, at)
    head = opened.held[begin:key_at]
    key_size, at = varint(opened.held, key_at)
    left = _passed(opened, end, at + max(key_size, 0))
    opened.fill(_HEAD_BYTES)
    value_size, at = varint(opened.held, 0)
    left = _passed(opened, left, at)
    kept = min(value_size, RECORD_BYTES)
    opened.fill(kept)
    value = opened.held[: max(kept, 0)]
    left = _passed(opened, left, max(value_size, 0))
    headers = _NO_HEADERS
    if left <= _HEADERS_BYTES and opened.fill(left):
        headers = opened.held[:left]
    opened.skip(left)
    body = b"".join((head, varint_bytes(-1), varint_bytes(kept), value, headers))
    return varint_bytes(len(body)) + body


def _passed(opened: Opened, left: int, size: int) -> int:
    if size > left:
        raise CorruptRecordException("A key or value goes past the end of its record.")
    opened.skip(size)
    return left - size
