"""Reads message sets of Kafka's formats 0 and 1 as runs of records of format 2.

Logs that are older than their broker still hold them. A compressed message holds others; like a
batch of format 2 it is decompressed a bounded chunk at a time, twice in format 1: its own offset is
that of its last message, and those within count from the first.
"""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import Iterator
from typing import Final, NamedTuple

from aiokafka.errors import CorruptRecordException

from streams.fetch.decompression import opened as open_packed
from streams.fetch.record_columns import Run
from streams.fetch.record_runs import RECORD_BYTES, RUN_BYTES, RUN_RECORDS, Opened
from streams.fetch.varints import varint_bytes

_OVERHEAD_BYTES: Final = 12
_CRC_AT: Final = 12
_MAGIC_AT: Final = 16
# Offset, length, checksum, version, attributes; in format 1 the time; the length of the key.
_HEADS: Final = (struct.Struct(">qiIbbi"), struct.Struct(">qiIbbqi"))
_INT32: Final = struct.Struct(">i")
_UINT32: Final = struct.Struct(">I")
_CODEC: Final = 0x07
_APPEND_TIME: Final = 0x08
# Format 0 has no times; Kafka itself gives this value for none.
_NO_TIME: Final = -1
_NO_HEADERS: Final = b"\0"
# No codec makes more than a thousand times as much of it, which is opened at once.
_SHORT_BYTES: Final = 4096


class _Message(NamedTuple):
    offset: int
    attributes: int
    ms: int
    key: bytes | None
    value: bytes | None

    def as_record(self) -> bytes:
        """The record of format 2 whose offset and time count from 0."""
        body = b"".join(
            (
                b"\0",
                varint_bytes(self.ms),
                varint_bytes(self.offset),
                _sized(self.key),
                _sized(self.value),
                _NO_HEADERS,
            )
        )
        return varint_bytes(len(body)) + body


def _sized(data: bytes | None) -> bytes:
    return varint_bytes(-1) if data is None else varint_bytes(len(data)) + data


class OldBatch:
    """One message of format 0 or 1, or those that it holds compressed, as runs."""

    is_control_batch = False
    is_transactional = False
    producer_id: int | None = None

    def __init__(self, data: bytes, begin: int, end: int) -> None:
        self._data = memoryview(data)[begin:end]
        self._version = data[begin + _MAGIC_AT]
        self._message, _ = _message(data[begin:end], 0, self._version)
        self.base_offset = self._message.offset
        self.next_offset = self._message.offset + 1
        self.latest_ms = self._message.ms

    @property
    def opens_long(self) -> bool:
        """Whether it may open to so much that it takes long: it is opened twice."""
        packed = self._message.value if self._message.attributes & _CODEC else None
        return packed is not None and len(packed) > _SHORT_BYTES

    def validate_crc(self) -> bool:
        """Whether the message is as it was sent."""
        (reported,) = _UINT32.unpack_from(self._data, _CRC_AT)
        return crc32(self._data[_MAGIC_AT:]) == int(reported)

    def __iter__(self) -> Iterator[Run]:
        outer = self._message
        if not outer.attributes & _CODEC:
            yield self._run([outer], 0)
            return
        shift = 0
        if self._version > 0:
            last = 0
            for messages in self._chunks():
                last = messages[-1].offset
            shift = max(outer.offset - last, 0)
        for messages in self._chunks():
            yield self._run(messages, shift)

    def _run(self, messages: list[_Message], shift: int) -> Run:
        appended = self._version > 0 and bool(self._message.attributes & _APPEND_TIME)
        records = [one.as_record() for one in messages]
        begins, at = [], 0
        for record in records:
            begins.append(at)
            at += len(record)
        base_ms = self._message.ms if appended else 0
        offset = shift + messages[-1].offset
        return Run(b"".join(records), begins, at, shift, base_ms, appended, offset)

    def _chunks(self) -> Iterator[list[_Message]]:
        """The messages that it holds, some at a time."""
        packed = self._message.value
        if packed is None:
            raise CorruptRecordException("A compressed message holds nothing.")
        codec = self._message.attributes & _CODEC
        opened = Opened(open_packed(codec, memoryview(packed)))
        while opened.fill(1):
            messages = _next(opened, self._version)
            if any(one.attributes & _CODEC for one in messages):
                raise CorruptRecordException("A message is compressed twice.")
            yield messages


def _next(opened: Opened, version: int) -> list[_Message]:
    """The next messages: those that are held as a whole, or a long one."""
    opened.fill(RUN_BYTES)
    messages: list[_Message] = []
    at, held = 0, len(opened.held)
    while len(messages) < RUN_RECORDS and held - at >= _OVERHEAD_BYTES:
        if at + _size(opened.held, at) > held:
            break
        message, at = _message(opened.held, at, version)
        messages.append(message)
    opened.skip(at)
    return messages or [_long_message(opened, version)]


def _size(data: bytes, at: int) -> int:
    """Bytes of the message at *at*."""
    return _OVERHEAD_BYTES + max(int(_INT32.unpack_from(data, at + 8)[0]), 0)


def _message(data: bytes, at: int, version: int) -> tuple[_Message, int]:
    """The message at *at*, and where it ends."""
    head = _HEADS[version]
    end = at + _size(data, at)
    try:
        offset, _, _, _, attributes, *ms, key_size = head.unpack_from(data, at)
        key, value_at = _field(data, at + head.size, key_size)
        (value_size,) = _INT32.unpack_from(data, value_at)
    except struct.error:
        raise CorruptRecordException("A message is shorter than its fields.") from None
    value, read = _field(data, value_at + _INT32.size, value_size)
    if read > end:
        raise CorruptRecordException("A key or value goes past the end of its message.")
    return _Message(offset, attributes, _time(ms), key, value), end


def _field(data: bytes, at: int, size: int) -> tuple[bytes | None, int]:
    return (None, at) if size < 0 else (data[at : at + size], at + size)


def _time(ms: list[int]) -> int:
    return ms[0] if ms else _NO_TIME


def _long_message(opened: Opened, version: int) -> _Message:
    """The next message, not held as a whole; of a very long one the beginning of its value."""
    head = _HEADS[version]
    if not opened.fill(head.size):
        raise CorruptRecordException("A message goes past the end of its set.")
    size = _size(opened.held, 0)
    if size <= RECORD_BYTES:
        if not opened.fill(size):
            raise CorruptRecordException("A message goes past the end of its set.")
        message, _ = _message(opened.held, 0, version)
        opened.skip(size)
        return message
    offset, _, _, _, attributes, *ms, key_size = head.unpack_from(opened.held)
    past_key = head.size + max(key_size, 0)
    opened.skip(past_key)
    if not opened.fill(_INT32.size):
        raise CorruptRecordException("A message goes past the end of its set.")
    (value_size,) = _INT32.unpack_from(opened.held)
    if past_key + _INT32.size + max(value_size, 0) > size:
        raise CorruptRecordException("A key or value goes past the end of its message.")
    opened.skip(_INT32.size)
    kept = min(value_size, RECORD_BYTES)
    opened.fill(kept)
    value = opened.held[:kept] if kept >= 0 else None
    opened.skip(size - past_key - _INT32.size)
    return _Message(offset, attributes, _time(ms), None, value)
