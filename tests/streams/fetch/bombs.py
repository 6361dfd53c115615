"""Record batches that are small on a topic and decompress to gigabytes, made in chunks."""

from __future__ import annotations

import resource
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import cramjam
import lz4.frame

from streams.fetch.fetcher_seam import as_batches, install
from streams.fetch.varints import varint_bytes
from tests.streams.fetch.fetched import Fetched, get
from tests.streams.fetch.kafka_batches import APPEND_TIME, sealed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
WIDEST = 27  # the logarithm of the widest window that a broker takes
# The largest record that a topic takes.
BATCH_BYTES = 2 * 2**20
_BATCH = bytes(2**20)


def records(size: int, count: int) -> Iterator[bytes]:
    """Parts of *count* records with values of *size* zeros."""
    for number in range(count):
        head = b"\0\0" + varint_bytes(number) + varint_bytes(-1) + varint_bytes(size)
        yield varint_bytes(len(head) + size + 1) + head
        for start in range(0, size, len(_BATCH)):
            yield _BATCH[: min(len(_BATCH), size - start)]
        yield b"\0"


def batch(
    codec: str, parts: Iterator[bytes], count: int, *, base: int = 0, flags: int = APPEND_TIME
) -> bytes:
    """A batch of format 2 that holds *parts* compressed."""
    body = _PACKERS[codec](parts)
    attributes = CODECS[codec.removeprefix("wide ")] | flags
    head = struct.pack(
        ">qiibIhiqqqhii",
        base, 0, 0, 2, 0, attributes, count - 1, 1_000, 1_000, -1, -1, -1, count,
    )  # fmt: skip
    return sealed(bytearray(head + body))


def _gzip(parts: Iterator[bytes]) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return b"".join([*(packer.compress(part) for part in parts), packer.flush()])


def _zstd(parts: Iterator[bytes]) -> bytes:
    packer = zstd.ZstdCompressor(level=3)
    return b"".join([*(packer.compress(part) for part in parts), packer.flush()])


def _wide_zstd(parts: Iterator[bytes]) -> bytes:
    """A frame of the usual kind, and behind it one of the widest window."""
    packer = zstd.ZstdCompressor(level=3)
    first = packer.compress(next(parts)) + packer.flush()
    options: dict[int, int] = {zstd.CompressionParameter.window_log: WIDEST}
    packer = zstd.ZstdCompressor(options=options)
    return b"".join([first, *(packer.compress(part) for part in parts), packer.flush()])


def _lz4(parts: Iterator[bytes]) -> bytes:
    packer = lz4.frame.LZ4FrameCompressor(block_linked=False)
    return b"".join([packer.begin(), *(packer.compress(part) for part in parts), packer.flush()])


def _snappy(parts: Iterator[bytes]) -> bytes:
    return bytes(cramjam.snappy.compress_raw(b"".join(parts)))


_PACKERS: dict[str, Callable[[Iterator[bytes]], bytes]] = {
    "gzip": _gzip,
    "snappy": _snappy,
    "lz4": _lz4,
    "zstd": _zstd,
    "wide zstd": _wide_zstd,
}


def old_batch(codec: str, parts: Iterator[bytes], *, version: int) -> bytes:
    """A message of format 0 or 1 that holds the message set *parts* compressed."""
    value = _PACKERS[codec](parts)
    times = struct.pack(">q", 1_000) * version
    body = struct.pack(">bb", version, CODECS[codec]) + times
    body += struct.pack(">ii", -1, len(value)) + value
    return struct.pack(">qiI", 0, len(body) + 4, zlib.crc32(body)) + body


def old_records(size: int, count: int, *, version: int) -> Iterator[bytes]:
    """Parts of *count* messages with values of *size* zeros, of which no checksum is asked for."""
    times = struct.pack(">q", 1_000) * version
    for number in range(count):
        head = struct.pack(">bb", version, 0) + times + struct.pack(">ii", -1, size)
        yield struct.pack(">qiI", number, len(head) + size + 4, 0) + head
        for start in range(0, size, len(_BATCH)):
            yield _BATCH[: min(len(_BATCH), size - start)]


def main() -> None:
    """Take ten bombs at once, each in ten times or to its end; say by how many MiB memory grew."""
    install()
    kind, codec = sys.argv[1:3]
    size, count = map(int, sys.argv[3:])
    if kind == "old":
        made = old_batch(codec, old_records(size, count, version=1), version=1)
    else:
        made = batch(codec, records(size, count), count)
    assert len(made) <= BATCH_BYTES, len(made)
    before, most = resident(), 0
    fetches = [Fetched(made).result for _ in range(10)]
    with as_batches(lambda _: kind == "batches"):
        for _ in range(10):
            for fetch in fetches:
                if fetch.has_more():
                    get(fetch, 10_000)
                most = max(most, resident() - before)
    sys.stdout.write(f"{most // 2**20}\n")


def resident() -> int:
    """Bytes of memory that this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
