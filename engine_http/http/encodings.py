"""The encodings that answers are compressed with; decompression.py reads the bodies of requests."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Any, Protocol

import lz4.frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["ZSTD_WINDOW_LOG", "choose", "packer", "zstd"]

# The largest window that RFC 9659 allows a zstd body: the reader needs this much memory.
ZSTD_WINDOW_LOG = 23

_GZIP_WINDOW = 31
_LEVEL = 3


class Packer(Protocol):
    """Compresses a body chunk by chunk."""

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


def choose(accept_encoding: str) -> str:
    """Pick the encoding of the answer from an Accept-Encoding header; empty for none."""
    offered = {part.partition(";")[0].strip().lower() for part in accept_encoding.split(",")}
    return next((name for name in _PACKERS if name in offered), "")


def packer(encoding: str) -> Packer:
    """Return a packer for an encoding `choose` returned."""
    return _PACKERS[encoding]()
