"""Decompresses bodies in chunks of bounded size.

The caller counts the chunks and stops when it likes, so a small body that decompresses to a huge
one costs no more than the limit. Streams that decompress to nothing are counted here.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK_BYTES: Final = 256 * 1024
# RFC 8878 asks every decoder for windows of 8 MiB; a larger one is memory that a header asks for.
ZSTD_WINDOW_LOG_MAX: Final = 23
GZIP_BITS: Final = 16 + zlib.MAX_WBITS
# Members or frames of one body. Each costs a new decoder, however little it decompresses to.
MAX_STREAMS: Final = 10_000


class BadCompressionError(Exception):
    """The bytes are not what Content-Encoding says; the text says how."""


class Decoder(Protocol):
    """One body's decoder.

    `window_bytes` is how much of the decompressed data it may hold itself.
    """

    window_bytes: int

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The next chunks, each of `CHUNK_BYTES` at most.

        Raises:
            BadCompressionError: *data* does not continue the stream.
        """

    def end(self) -> None:
        """Say that nothing follows.

        Raises:
            BadCompressionError: the stream is not complete.
        """


class _StreamDecoder:
    """Decodes the streams of one body, one after the other; counts them."""

    def __init__(self) -> None:
        self._left = MAX_STREAMS
        self._inner = self._next()

    def end(self) -> None:
        """See `Decoder`."""
        if not self._inner.eof:
            raise BadCompressionError("the stream ends early")

    def _next(self) -> Any:
        """The decoder of the next stream.

        Raises:
            BadCompressionError: there are too many.
        """
        if not self._left:
            raise BadCompressionError(f"it is more than {MAX_STREAMS:,} streams in a row")
        self._left -= 1
        return self._new()

    def _new(self) -> Any:
        raise NotImplementedError


class ZlibDecoder(_StreamDecoder):
    """gzip (members may follow each other) and deflate."""

    window_bytes = 1 << zlib.MAX_WBITS

    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits
        super().__init__()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See `Decoder`."""
        full = False
        # A full chunk may not be the last one, even when all input is read; but after the end of a
        # stream only more input begins another.
        while data or (full and not self._inner.eof):
            if self._inner.eof:
                self._inner = self._next()
            try:
                received = self._inner.decompress(data, CHUNK_BYTES)
            except zlib.error as error:
                raise BadCompressionError(str(error)) from None
            data = self._inner.unconsumed_tail or self._inner.unused_data
            full = len(received) == CHUNK_BYTES
            yield received

    def _new(self) -> Any:
        return zlib.decompressobj(self._window_bits)


class DeflateDecoder:
    """What clients mean by deflate: RFC 9110's zlib stream, or the bare one that many send."""

    window_bytes = 1 << zlib.MAX_WBITS

    def __init__(self) -> None:
        self._inner: ZlibDecoder | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See `Decoder`."""
        if self._inner is None and data:
            # A zlib stream starts with method 8; no encoder starts a bare stream that way.
            zlib_header = data[0] & 0x0F == zlib.DEFLATED
            self._inner = ZlibDecoder(zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS)
        if self._inner is not None:
            yield from self._inner.feed(data)

    def end(self) -> None:
        """See `Decoder`."""
        if self._inner is None:
            raise BadCompressionError("the stream is empty")
        self._inner.end()


class ZstdDecoder(_StreamDecoder):
    """zstd; frames may follow each other."""

    window_bytes = 1 << ZSTD_WINDOW_LOG_MAX

    def feed(self, data: bytes) -> Iterator[bytes]:
        """See `Decoder`."""
        while data or not (self._inner.eof or self._inner.needs_input):
            if self._inner.eof:
                self._inner = self._next()
            try:
                received = self._inner.decompress(data, CHUNK_BYTES)
            except zstd.ZstdError as error:
                raise BadCompressionError(str(error)) from None
            data = self._inner.unused_data if self._inner.eof else b""
            yield received

    def _new(self) -> zstd.ZstdDecompressor:
        window: dict[int, int] = {zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG_MAX}
        return zstd.ZstdDecompressor(options=window)


DECODERS: Final[dict[str, Callable[[], Decoder] | None]] = {
    "": None,
    "identity": None,
    "gzip": lambda: ZlibDecoder(GZIP_BITS),
    "x-gzip": lambda: ZlibDecoder(GZIP_BITS),
    "deflate": DeflateDecoder,
    "zstd": ZstdDecoder,
}
ACCEPT_ENCODING: Final = "gzip, deflate, zstd"
