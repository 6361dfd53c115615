"""How do rows travel to ClickHouse? As one Arrow IPC stream: it parses no text for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import pyarrow as pa

Rows: TypeAlias = pa.Table | pa.RecordBatch | Sequence[pa.RecordBatch]
Compression: TypeAlias = Literal["none", "lz4", "zstd"]


def as_table(rows: Rows) -> pa.Table:
    """The rows as one table; nothing is copied. Batches must share one schema."""
    if isinstance(rows, pa.Table):
        return rows
    batches = [rows] if isinstance(rows, pa.RecordBatch) else rows
    return pa.Table.from_batches(batches)


def encode(table: pa.Table, *, compression: Compression = "none") -> bytes:
    """The Arrow IPC stream of *table*.

    Dictionaries of all its batches are made one: a stream holds one a column unless it says so.
    """
    options = pa.ipc.IpcWriteOptions(compression=None if compression == "none" else compression)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table.unify_dictionaries())
    body: bytes = sink.getvalue().to_pybytes()
    return body
