"""Decompresses record batches, a bounded chunk at a time.

Two mebibytes on a topic may decompress to gigabytes. Nothing here holds more than `CHUNK_BYTES` of
decompressed data, besides what the caller keeps, whatever a batch claims. Data that its codec
cannot read raise `CorruptRecordException`.

The window of a zstd frame is the codec's own: up to the 128 MiB that brokers, too, accept; only a
frame that was made with such a window takes it, 8 MiB at most at the usual levels. Those that keep
a wider one take turns (streams/fetch/window_turns.py).
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import lz4.frame
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

from streams.fetch.snappy import open_snappy

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK_BYTES: Final = 2**20
# The largest window that a broker's own decoder accepts.
_ZSTD_WINDOW_LOG: Final = 27
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_ONE_SEGMENT: Final = 0x20
_GZIP: Final = 16 + zlib.MAX_WBITS

_ERRORS: Final = (zlib.error, zstd.ZstdError, RuntimeError, EOFError, ValueError)


def opened(compression: int, data: memoryview) -> Iterator[bytes]:
    """What *data* holds, in chunks of at most `CHUNK_BYTES`."""
    opener = _OPENERS.get(compression)
    if opener is None:
        raise CorruptRecordException(f"A batch is compressed with the unknown codec {compression}.")
    try:
        yield from opener(data)
    except _ERRORS as error:
        raise CorruptRecordException(f"What is compressed cannot be opened: {error}.") from None


def widest_window(data: memoryview) -> int:
    """Bytes of the widest window that a zstd frame in *data* asks for.

    Of data that is not zstd, or cut off, what came before: decompressing it raises the error.
    """
    widest = at = 0
    try:
        while at < len(data):
            frame = data[at:]
            widest = max(widest, _window(frame))
            at += zstd.get_frame_size(frame)
    except (zstd.ZstdError, IndexError):
        pass
    return widest


def _window(frame: memoryview) -> int:
    if bytes(frame[:4]) != _ZSTD_MAGIC:
        return 0  # a frame to be skipped
    if frame[4] & _ONE_SEGMENT:
        return zstd.get_frame_info(frame).decompressed_size or 0
    size = 1 << (10 + (frame[5] >> 3))
    return size + (size >> 3) * (frame[5] & 7)


def _in_turn(new: Callable[[], Any]) -> Callable[[memoryview], Iterator[bytes]]:
    """An opener for a codec of which several streams may follow each other."""

    def opener(data: memoryview) -> Iterator[bytes]:
        rest: bytes | memoryview = data
        while rest:
            decoder = new()
            given: bytes | memoryview = rest
            while not decoder.eof:
                chunk = decoder.decompress(given, CHUNK_BYTES)
                given = getattr(decoder, "unconsumed_tail", b"")
                if chunk:
                    yield bytes(chunk)
                elif not given and not decoder.eof:
                    raise EOFError("it ends too early")
            rest = decoder.unused_data or b""

    return opener


def _lz4() -> Any:
    return lz4.frame.LZ4FrameDecompressor()


def _gzip() -> Any:
    return zlib.decompressobj(_GZIP)


def _zstd() -> Any:
    return zstd.ZstdDecompressor(
        options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    )


_OPENERS: Final[dict[int, Callable[[memoryview], Iterator[bytes]]]] = {
    DefaultRecordBatch.CODEC_GZIP: _in_turn(_gzip),
    DefaultRecordBatch.CODEC_SNAPPY: lambda data: open_snappy(data, CHUNK_BYTES),
    DefaultRecordBatch.CODEC_LZ4: _in_turn(_lz4),
    DefaultRecordBatch.CODEC_ZSTD: _in_turn(_zstd),
}
