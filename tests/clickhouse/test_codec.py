"""Bodies are packed and opened in every encoding a client may choose."""

from __future__ import annotations

import struct

import lz4.block
import pytest

from railhead.clickhouse import codec
from railhead.clickhouse.errors import ClickHouseError

BODY = bytes(range(256)) * 1000


@pytest.mark.parametrize("encoding", ["zstd", "lz4", "gzip", "deflate"])
def test_what_is_packed_opens_again(encoding: str) -> None:
    """Piece by piece and whole."""
    packer = codec.packer(encoding)
    pieces = [packer.compress(BODY[start : start + 7777]) for start in range(0, len(BODY), 7777)]

    assert codec.unpack(encoding, b"".join(pieces) + packer.flush()) == BODY
    assert codec.unpack(encoding, codec.pack(encoding, BODY)) == BODY


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("gzip, deflate, br", "gzip"),
        ("br", ""),
        ("", ""),
        ("lz4;q=1.0, identity", "lz4"),
        ("gzip, zstd", "zstd"),
    ],
)
def test_the_cheapest_encoding_both_know_is_chosen(header: str, chosen: str) -> None:
    """Accept-Encoding in any order."""
    assert codec.choose(header) == chosen


def frame(method: int, packed: bytes, plain_bytes: int) -> bytes:
    """One frame of ClickHouse's own compression, its checksum left empty."""
    return bytes(16) + struct.pack("<BII", method, len(packed) + 9, plain_bytes) + packed


def test_frames_of_clickhouse_clients_are_opened() -> None:
    """`decompress=1`: LZ4, ZSTD and plain frames one after another."""
    packed = lz4.block.compress(BODY, store_size=False)
    zstd = codec.zstd.compress(BODY)
    frames = frame(0x82, packed, len(BODY)) + frame(0x90, zstd, len(BODY)) + frame(0x02, b"x", 1)

    assert codec.unpack_native(frames) == BODY + BODY + b"x"


@pytest.mark.parametrize("body", [b"short", frame(0x82, b"\xff\xff", 99)])
def test_damaged_frames_are_told(body: bytes) -> None:
    """271, never a crash."""
    with pytest.raises(ClickHouseError) as caught:
        codec.unpack_native(body)

    assert caught.value.code == 271
