"""Bodies are compressed and decompressed in every encoding that a client may choose."""

from __future__ import annotations

import struct

import lz4.block
import pytest

from engine_http.engine.errors import ClickHouseError
from engine_http.http import encodings
from engine_http.http.decompression import CHUNK_BYTES, opened
from engine_http.http.frames import MAX_FRAME_BYTES, FramePacker, checksum
from engine_http.http.frames import frame as packed_frame

BODY = bytes(range(256)) * 1000


def packed_as(encoding: str, body: bytes) -> bytes:
    """A whole body as `encoding` writes it."""
    packer = encodings.packer(encoding)
    return packer.compress(body) + packer.flush()


def unpacked(body: bytes, encoding: str = "", *, native: bool = False) -> bytes:
    """Decompress a body that comes in chunks."""
    chunks = (body[start : start + 999] for start in range(0, len(body), 999))
    return b"".join(opened(chunks, encoding, native=native))


@pytest.mark.parametrize("encoding", ["zstd", "lz4", "gzip", "deflate"])
def test_what_is_compressed_can_be_decompressed(encoding: str) -> None:
    """In chunks and at once."""
    packer = encodings.packer(encoding)
    chunks = [packer.compress(BODY[start : start + 7777]) for start in range(0, len(BODY), 7777)]

    assert unpacked(b"".join(chunks) + packer.flush(), encoding) == BODY
    assert unpacked(packed_as(encoding, BODY), encoding) == BODY


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
    assert encodings.choose(header) == chosen


def frame(method: int, packed: bytes, plain_bytes: int) -> bytes:
    """One frame of ClickHouse's own compression."""
    rest = struct.pack("<BII", method, len(packed) + 9, plain_bytes) + packed
    return checksum(rest) + rest


def test_frames_of_clickhouse_clients_are_opened() -> None:
    """`decompress=1`: LZ4, ZSTD and uncompressed frames one after another."""
    packed = lz4.block.compress(BODY, store_size=False)
    zstd = encodings.zstd.compress(BODY)
    frames = frame(0x82, packed, len(BODY)) + frame(0x90, zstd, len(BODY)) + frame(0x02, b"x", 1)

    assert unpacked(frames, native=True) == BODY + BODY + b"x"


@pytest.mark.parametrize("body", [b"short", frame(0x82, b"\xff\xff", 99)])
def test_damaged_frames_are_an_error(body: bytes) -> None:
    """271, never a crash."""
    with pytest.raises(ClickHouseError) as caught:
        unpacked(body, native=True)

    assert caught.value.code == 271


@pytest.mark.parametrize("encoding", ["zstd", "lz4", "gzip", "deflate"])
@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]
)
def test_chunks_may_end_anywhere(encoding: str, size: int) -> None:
    """Bodies of whole chunks, and of one byte more or less, arrive complete."""
    body = bytes(size)
    chunks = list(opened(iter([packed_as(encoding, body)]), encoding, native=False))

    assert b"".join(chunks) == body
    assert all(0 < len(chunk) <= CHUNK_BYTES for chunk in chunks)


@pytest.mark.parametrize("encoding", ["zstd", "lz4", "gzip"])
def test_members_one_after_another_are_one_body(encoding: str) -> None:
    """As when the tools that write these formats append to a file."""
    packed = packed_as(encoding, BODY) + packed_as(encoding, b"x") + packed_as(encoding, BODY)

    assert unpacked(packed, encoding) == BODY + b"x" + BODY


@pytest.mark.parametrize("encoding", ["zstd", "lz4", "gzip", "deflate"])
def test_a_body_that_breaks_off_is_an_error(encoding: str) -> None:
    """Never a shorter body."""
    packed = packed_as(encoding, BODY)
    for cut in (1, len(packed) // 2, len(packed) - 1):
        with pytest.raises(ClickHouseError) as caught:
            unpacked(packed[:cut], encoding)
        assert caught.value.code == 271


def test_a_frame_may_not_be_larger_than_it_says_or_than_the_limit() -> None:
    """A frame that claims or holds more than the limit is refused before it is decompressed."""
    for frames in (frame(0x82, b"x", MAX_FRAME_BYTES + 1), frame(0x90, b"x", (1 << 32) - 1)):
        with pytest.raises(ClickHouseError, match="frame is larger") as caught:
            unpacked(frames, native=True)
        assert caught.value.code == 229


def test_a_zstd_window_is_bounded() -> None:
    """The reader needs memory for the window."""
    wide = encodings.zstd.compress(
        bytes(1 << 25), options={encodings.zstd.CompressionParameter.window_log: 27}
    )
    with pytest.raises(ClickHouseError) as caught:
        unpacked(wide, "zstd")

    assert caught.value.code == 271


def test_a_frame_has_the_checksum_that_clients_verify() -> None:
    """A frame as clickhouse-driver wrote it, byte for byte."""
    known = bytes.fromhex(
        "4144f4cbb206aa63d7bb647bbc0a4579821b0000001b000000995261696c68656164200900506865616420"
    )

    assert packed_frame(b"Railhead " * 3) == known
    assert unpacked(known, native=True) == b"Railhead " * 3


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES // 2])
def test_what_is_compressed_in_frames_can_be_decompressed(size: int) -> None:
    """Empty, one frame, several; none is larger than a server's."""
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    packer = FramePacker()
    packed = packer.compress(body[:1000]) + packer.compress(body[1000:]) + packer.flush()

    assert unpacked(packed, native=True) == body


def test_a_damaged_checksum_is_an_error_unless_it_is_not_verified() -> None:
    """40, as on a server; a client may ask not to verify it."""
    damaged = bytes(16) + frame(0x02, b"x", 1)[16:]

    with pytest.raises(ClickHouseError) as caught:
        unpacked(damaged, native=True)
    assert caught.value.code == 40
    assert b"".join(opened(iter([damaged]), "", native=True, check=False)) == b"x"


@pytest.mark.parametrize("claimed", [4, 6])
def test_a_frame_has_the_size_it_names(claimed: int) -> None:
    """Neither more nor less, whatever the method."""
    for method, packed in (
        (0x82, lz4.block.compress(b"abcde", store_size=False)),
        (0x90, encodings.zstd.compress(b"abcde")),
        (0x02, b"abcde"),
    ):
        with pytest.raises(ClickHouseError) as caught:
            unpacked(frame(method, packed, claimed), native=True)
        assert caught.value.code == 271
