"""Decompresses bodies in bounded chunks, so that a small compressed body needs little memory.

Each decompressor takes the compressed bytes as they come and yields at most CHUNK_BYTES at a time;
the caller decides how much is too much.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import lz4.block
import lz4.frame

from engine_http.engine.errors import ClickHouseError, Code
from engine_http.http.encodings import ZSTD_WINDOW_LOG, zstd
from engine_http.http.frames import frames

CHUNK_BYTES: Final = 1 << 20
_GZIP_WINDOW: Final = 31
_FAILURES: Final = (
    zlib.error,
    zstd.ZstdError,
    lz4.block.LZ4BlockError,
    OSError,
    EOFError,
    RuntimeError,
    struct.error,
)


class Decompressor(Protocol):
    """The interface of bz2, lz4.frame and zstd."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take *data* in; return at most *max_length* bytes."""


class _Zlib:
    """zlib's own decompressor behind that interface."""

    def __init__(self, window: int) -> None:
        self._inner = zlib.decompressobj(window)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        opened = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        # A full chunk may leave output behind even when all input has been taken in.
        self.needs_input = len(opened) < max_length and not self._inner.unconsumed_tail
        return opened


_DECOMPRESSORS: Final[dict[str, Callable[[], Any]]] = {
    "zstd": lambda: zstd.ZstdDecompressor(
        options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
    ),
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "gzip": lambda: _Zlib(_GZIP_WINDOW),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS),
}


def opened(
    chunks: Iterator[bytes], encoding: str, *, native: bool, check: bool = True
) -> Iterator[bytes]:
    """Decompress *chunks*: first *encoding*, then ClickHouse's frames if *native*.

    *check* says whether the frames' checksums are verified.

    Raises ClickHouseError 89 for an unknown encoding and 271 for bytes that are not in it.
    """
    if encoding not in ("", "identity"):
        if encoding not in _DECOMPRESSORS:
            known = ", ".join(_DECOMPRESSORS)
            raise ClickHouseError(
                Code.UNKNOWN_COMPRESSION_METHOD,
                f"Unknown compression method {encoding} (known: {known})",
            )
        chunks = _translated(_members(chunks, _DECOMPRESSORS[encoding]), encoding)
    if native:
        chunks = _translated(frames(chunks, check=check), "in frames of ClickHouse's")
    return chunks


def _translated(chunks: Iterator[bytes], what: str) -> Iterator[bytes]:
    try:
        yield from chunks
    except _FAILURES:
        raise ClickHouseError(
            Code.CANNOT_DECOMPRESS, f"The body is not {what}, or it is truncated"
        ) from None


def _members(chunks: Iterator[bytes], make: Callable[[], Decompressor]) -> Iterator[bytes]:
    """Decompress one member of a format after another."""
    current: Decompressor | None = None
    for packed in chunks:
        data = packed
        while data or (current is not None and not current.needs_input):
            current = current or make()
            chunk = current.decompress(data, CHUNK_BYTES)
            data = b""
            if chunk:
                yield chunk
            if current.eof:
                data, current = current.unused_data, None
    if current is not None:
        raise EOFError
