"""Batches of Kafka's as a broker sends them: aiokafka's builder, and what only a broker sets."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka.record._crecords import crc32c_cython
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder

Headers = list[tuple[str, bytes | None]]

APPEND_TIME, CONTROL = 0x08, 0x20
ABORT, COMMIT = b"\0\0\0\0", b"\0\0\0\1"
HEADER_BYTES = 61


@dataclass(frozen=True)
class Record:
    """One record; its offset counts from that of its batch."""

    delta: int
    value: bytes | None = b"{}"
    key: bytes | None = None
    headers: Headers = field(default_factory=list)
    ms: int = 1_000


@dataclass(frozen=True)
class Made:
    """A batch of format 2; `last_delta` may lie past its last record, as after compaction."""

    base: int
    records: Sequence[Record]
    last_delta: int
    codec: int = 0
    producer: int = -1
    transactional: bool = False
    flags: int = 0
    max_ms: int | None = None

    @property
    def next_offset(self) -> int:
        """Where the next batch may begin."""
        return self.base + self.last_delta + 1

    def to_bytes(self) -> bytes:
        """The batch, its checksum right."""
        builder = DefaultRecordBatchBuilder(
            magic=2,
            compression_type=self.codec,
            is_transactional=self.transactional,
            producer_id=self.producer,
            producer_epoch=0,
            base_sequence=0,
            batch_size=2**30,
        )
        for one in self.records:
            builder.append(one.delta, one.ms, one.key, one.value, one.headers)
        batch = bytearray(builder.build())
        struct.pack_into(">q", batch, 0, self.base)
        (attributes,) = struct.unpack_from(">h", batch, 21)
        struct.pack_into(">hi", batch, 21, attributes | self.flags, self.last_delta)
        if self.max_ms is not None:
            struct.pack_into(">q", batch, 35, self.max_ms)
        return sealed(batch)


def sealed(batch: bytearray) -> bytes:
    """*batch* with its length and checksum set right."""
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    struct.pack_into(">I", batch, 17, crc32c_cython(bytes(batch[21:])))
    return bytes(batch)


def marker(base: int, producer: int, *, kind: bytes) -> Made:
    """The end of a transaction."""
    return Made(
        base, [Record(0, b"", kind)], 0, producer=producer, transactional=True, flags=CONTROL
    )


# Format and codec; the first one had no lz4.
OLD_FORMATS = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (1, 3)]


def old_batch(base: int, values: Sequence[bytes], *, version: int, codec: int = 0) -> bytes:
    """Records of the formats before, as one compressed message or one each."""
    builder = LegacyRecordBatchBuilder(version, codec, 2**30)
    for at, value in enumerate(values):
        builder.append(base + at, 1_000 + at, None, value)
    return bytes(builder.build())
