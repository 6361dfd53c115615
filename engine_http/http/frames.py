"""ClickHouse's own compressed frames, which its clients ask for by `compress` and `decompress`.

A frame is a checksum (CityHash128 of the rest), the method, both sizes, and the compressed bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import lz4.block

from engine_http.engine.errors import ClickHouseError, Code
from engine_http.http.encodings import ZSTD_WINDOW_LOG, zstd

# Clients write frames of up to 10 MiB; a server refuses more than 1 GiB.
MAX_FRAME_BYTES: Final = 16 << 20
# A server's max_compress_block_size.
_BLOCK_BYTES: Final = 1 << 20
_LZ4: Final = 0x82
_HEAD: Final = struct.Struct("<BII")
_CHECKSUM: Final = struct.Struct("<QQ")
_LOW: Final = (1 << 64) - 1


def frame(plain: bytes) -> bytes:
    """Pack *plain* as one frame, as a server packs its answers: with LZ4."""
    packed = lz4.block.compress(plain, store_size=False)
    rest = _HEAD.pack(_LZ4, len(packed) + _HEAD.size, len(plain)) + packed
    return checksum(rest) + bytes(rest)


class FramePacker:
    """Packs an answer as frames."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def compress(self, data: bytes) -> bytes:
        """Take *data* in; return the frames that are full."""
        self._waiting += data
        parts = []
        while len(self._waiting) >= _BLOCK_BYTES:
            parts.append(frame(bytes(self._waiting[:_BLOCK_BYTES])))
            del self._waiting[:_BLOCK_BYTES]
        return b"".join(parts)

    def flush(self) -> bytes:
        """Return the last frame."""
        rest = bytes(self._waiting)
        self._waiting.clear()
        return frame(rest) if rest else b""


def frames(chunks: Iterator[bytes], *, check: bool) -> Iterator[bytes]:
    """Decompress the frames in *chunks*; their checksums are verified if *check*.

    Raises ClickHouseError 40 for a wrong checksum, 229 for a frame that is too large, and what the
    decompressors raise; EOFError for a frame that is cut off.
    """
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= _CHECKSUM.size + _HEAD.size:
            method, packed_bytes, plain_bytes = _HEAD.unpack_from(waiting, _CHECKSUM.size)
            _check_sizes(packed_bytes, plain_bytes)
            end = _CHECKSUM.size + packed_bytes
            if len(waiting) < end:
                break
            one = bytes(waiting[:end])
            del waiting[:end]
            if check and checksum(one[_CHECKSUM.size :]) != one[: _CHECKSUM.size]:
                raise ClickHouseError(Code.CHECKSUM_DOESNT_MATCH, "Checksum doesn't match")
            yield _opened(method, one[_CHECKSUM.size + _HEAD.size :], plain_bytes)
    if waiting:
        raise EOFError


def checksum(rest: bytes) -> bytes:
    """The checksum of a frame, of which *rest* is everything after it."""
    # Imported here: only clients that ask for frames need it.
    from clickhouse_cityhash.cityhash import CityHash128  # noqa: PLC0415

    value = CityHash128(rest)
    return _CHECKSUM.pack(value >> 64, value & _LOW)


def _check_sizes(packed_bytes: int, plain_bytes: int) -> None:
    if max(packed_bytes, plain_bytes) > MAX_FRAME_BYTES:
        raise ClickHouseError(
            Code.QUERY_IS_TOO_LARGE, f"A compressed frame is larger than {MAX_FRAME_BYTES:,} bytes"
        )
    if packed_bytes < _HEAD.size:
        raise EOFError


def _opened(method: int, packed: bytes, plain_bytes: int) -> bytes:
    match method:
        case 0x82:
            plain = bytes(lz4.block.decompress(packed, uncompressed_size=plain_bytes))
        case 0x90:
            # No frame needs a window larger than itself.
            options = {int(zstd.DecompressionParameter.window_log_max): ZSTD_WINDOW_LOG + 1}
            plain = zstd.ZstdDecompressor(options=options).decompress(packed, plain_bytes + 1)
        case 0x02:
            plain = packed
        case _:
            raise ClickHouseError(
                Code.UNKNOWN_COMPRESSION_METHOD, f"Unknown frame method {method:#x}"
            )
    if len(plain) != plain_bytes:
        raise EOFError
    return plain
