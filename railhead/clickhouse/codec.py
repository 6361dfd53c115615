"""Which encodings do bodies travel in, and how are they opened and packed?"""

from __future__ import annotations

import gzip
import struct
import sys
import zlib
from collections.abc import Callable
from typing import Any, Protocol

import lz4.block  # type: ignore[import-untyped]
import lz4.frame  # type: ignore[import-untyped]

from railhead.clickhouse.errors import ClickHouseError, Code

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_GZIP_WINDOW = 31
_LEVEL = 3


class Packer(Protocol):
    """Packs a body piece by piece."""

    def compress(self, data: bytes) -> bytes:
        """Take *data* in; return what is ready to be sent."""

    def flush(self) -> bytes:
        """Return the rest; nothing may follow."""


class _Lz4Packer:
    def __init__(self) -> None:
        self._compressor: Any = lz4.frame.LZ4FrameCompressor()
        self._head: bytes = self._compressor.begin()

    def compress(self, data: bytes) -> bytes:
        head, self._head = self._head, b""
        return head + bytes(self._compressor.compress(data))

    def flush(self) -> bytes:
        head, self._head = self._head, b""
        return head + bytes(self._compressor.flush())


# In the order the server prefers them.
_PACKERS: dict[str, Callable[[], Packer]] = {
    "zstd": lambda: zstd.ZstdCompressor(level=_LEVEL),
    "lz4": _Lz4Packer,
    "gzip": lambda: zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW),
    "deflate": lambda: zlib.compressobj(_LEVEL),
}
_OPENERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstd.decompress,
    "lz4": lambda body: bytes(lz4.frame.decompress(body)),
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
}
_FAILURES = (
    zlib.error,
    zstd.ZstdError,
    lz4.block.LZ4BlockError,
    OSError,
    EOFError,
    RuntimeError,
)


def choose(accept_encoding: str) -> str:
    """Pick the encoding of the answer from an Accept-Encoding header; empty for none."""
    offered = {part.partition(";")[0].strip().lower() for part in accept_encoding.split(",")}
    return next((name for name in _PACKERS if name in offered), "")


def packer(encoding: str) -> Packer:
    """Return a packer for an encoding `choose` returned."""
    return _PACKERS[encoding]()


def pack(encoding: str, body: bytes) -> bytes:
    """Pack a whole body."""
    one = packer(encoding)
    return one.compress(body) + one.flush()


def unpack(encoding: str, body: bytes) -> bytes:
    """Open a request's body.

    Raises ClickHouseError 89 for an unknown encoding and 271 for a body that is not in it.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in _OPENERS:
        known = ", ".join(_OPENERS)
        raise ClickHouseError(
            Code.UNKNOWN_COMPRESSION_METHOD,
            f"Unknown compression method {encoding} (known: {known})",
        )
    try:
        return _OPENERS[encoding](body)
    except _FAILURES:
        raise ClickHouseError(Code.CANNOT_DECOMPRESS, f"The body is not {encoding} data") from None


_FRAME_HEAD = struct.Struct("<16xBII")
_FRAME_CHECKSUM_BYTES = 16
_FRAME_HEAD_BYTES = 9


def unpack_native(body: bytes) -> bytes:
    """Open a body in ClickHouse's own compressed frames (`decompress=1`).

    The frames' checksums guard against damage on the way, which TCP on one machine does; they are
    not checked here.
    """
    parts = []
    position = 0
    while position < len(body):
        try:
            method, packed_bytes, plain_bytes = _FRAME_HEAD.unpack_from(body, position)
            start = position + _FRAME_CHECKSUM_BYTES + _FRAME_HEAD_BYTES
            position += _FRAME_CHECKSUM_BYTES + packed_bytes
            parts.append(_frame(method, body[start:position], plain_bytes))
        except (struct.error, *_FAILURES):
            raise ClickHouseError(Code.CANNOT_DECOMPRESS, "The frames are damaged") from None
    return b"".join(parts)


def _frame(method: int, packed: bytes, plain_bytes: int) -> bytes:
    if method == 0x82:
        return bytes(lz4.block.decompress(packed, uncompressed_size=plain_bytes))
    if method == 0x90:
        return zstd.decompress(packed)
    if method == 0x02:
        return packed
    raise ClickHouseError(Code.UNKNOWN_COMPRESSION_METHOD, f"Unknown frame method {method:#x}")
