"""Decompresses snappy, which has no streaming format of its own, in bounded chunks.

Kafka's batches hold it raw, as one block, or in xerial's frame of many blocks. Blocks are small
with nearly all producers and opened by the library. One that declares more than `BLOCK_BYTES` is
decompressed here, element by element, with only the window kept that encoders refer back to.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import cramjam

# The magic bytes, its version and the oldest version that can read it: there is only version 1.
_XERIAL: Final = b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"
_SIZE: Final = struct.Struct(">i")

BLOCK_BYTES: Final = 4 * 2**20
# No encoder refers further back: the format is made of blocks of 64 KiB.
_WINDOW_BYTES: Final = 2**16


def open_snappy(data: memoryview, chunk_bytes: int) -> Iterator[bytes]:
    """What *data* holds, in chunks of about *chunk_bytes*, at most `BLOCK_BYTES`.

    Raises `ValueError` or `EOFError` for what is no snappy.
    """
    try:
        if bytes(data[: len(_XERIAL)]) != _XERIAL:
            yield from _open_block(data, chunk_bytes)
            return
        at = len(_XERIAL)
        while at < len(data):
            (size,) = _SIZE.unpack_from(data, at)
            end = at + 4 + size
            if size < 0 or end > len(data):
                raise EOFError("it ends too early")
            yield from _open_block(data[at + 4 : end], chunk_bytes)
            at = end
    except (IndexError, struct.error, cramjam.DecompressionError) as error:
        raise ValueError(str(error) or "it ends too early") from None


def _open_block(block: memoryview, chunk_bytes: int) -> Iterator[bytes]:
    size, begin = _length(block)
    if size <= BLOCK_BYTES:
        yield bytes(cramjam.snappy.decompress_raw(block))
        return
    opened = 0
    for chunk in _elements(block, begin, chunk_bytes):
        opened += len(chunk)
        yield chunk
    if opened != size:
        raise ValueError(f"it opens to {opened} bytes and says {size}")


def _length(block: memoryview) -> tuple[int, int]:
    """How many bytes *block* declares, and where its elements begin."""
    size = shift = at = 0
    while True:
        byte = block[at]
        size |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return size, at
        shift += 7
        if shift > 28:
            raise ValueError("a length does not end")


def _elements(block: memoryview, at: int, chunk_bytes: int) -> Iterator[bytes]:
    """Literals, and copies of earlier bytes."""
    out = bytearray()
    given = 0
    while at < len(block):
        tag = block[at]
        if tag & 3 == 0:
            size, at = _literal(block, tag, at + 1)
            if at + size > len(block):
                raise EOFError("it ends too early")
            out += block[at : at + size]
            at += size
        else:
            size, back, at = _copy(block, tag, at + 1)
            if not 0 < back <= len(out):
                raise ValueError("it refers back to what is not there")
            start = len(out) - back
            copied = out[start : start + size]
            out += (copied * (size // len(copied) + 1))[:size]
        if len(out) - given >= chunk_bytes:
            yield bytes(out[given:])
            out = out[-_WINDOW_BYTES:]
            given = len(out)
    yield bytes(out[given:])


def _literal(block: memoryview, tag: int, at: int) -> tuple[int, int]:
    size = tag >> 2
    if size < 60:
        return size + 1, at
    extra = size - 59
    return int.from_bytes(block[at : at + extra], "little") + 1, at + extra


def _copy(block: memoryview, tag: int, at: int) -> tuple[int, int, int]:
    kind = tag & 3
    if kind == 1:
        return (tag >> 2 & 7) + 4, (tag >> 5) << 8 | block[at], at + 1
    width = 2 if kind == 2 else 4
    back = int.from_bytes(block[at : at + width], "little")
    return (tag >> 2) + 1, back, at + width
