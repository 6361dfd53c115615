"""Compressed bodies of every size around the decoders' chunks, in every form a client may send."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest_http.body.decompress import CHUNK_BYTES, DECODERS, MAX_STREAMS, BadCompressionError
from tests.ingest_http.running_api import RunningApi, StartApi

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LIMIT = 3 * CHUNK_BYTES
SIZES = sorted(
    {
        max(0, around + by)
        for around in (0, CHUNK_BYTES, 2 * CHUNK_BYTES, LIMIT, 64 * 1024, 128 * 1024)
        for by in (-2, -1, 0, 1, 2)
    }
)


def bare_deflate(data: bytes) -> bytes:
    """Deflate without zlib's frame."""
    encoder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return encoder.compress(data) + encoder.flush()


def stored_gzip(data: bytes) -> bytes:
    """Gzip without compression: as many bytes in as out."""
    return gzip.compress(data, compresslevel=0)


def flushed_gzip(data: bytes) -> bytes:
    """Gzip whose encoder was flushed in the middle and before its end."""
    encoder = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    half = len(data) // 2
    texts = [encoder.compress(data[:half]), encoder.flush(zlib.Z_SYNC_FLUSH)]
    texts += [encoder.compress(data[half:]), encoder.flush(zlib.Z_FULL_FLUSH)]
    return b"".join(texts) + encoder.flush()


def unsized_zstd(data: bytes) -> bytes:
    """A frame that does not say how large its content is."""
    encoder = zstd.ZstdCompressor()
    return encoder.compress(data) + encoder.flush()


def checked_zstd(data: bytes) -> bytes:
    """A frame with a checksum after its content."""
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


def skippable_zstd(data: bytes) -> bytes:
    """A frame between two that hold no content."""
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00note"
    return skippable + zstd.compress(data) + skippable


def of_two(encode: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """The same content in two streams, the first one chunk long."""
    return lambda data: encode(data[:CHUNK_BYTES]) + encode(data[CHUNK_BYTES:])


FORMS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip, stored": ("gzip", stored_gzip),
    "gzip, flushed": ("gzip", flushed_gzip),
    "gzip, two members": ("gzip", of_two(gzip.compress)),
    "gzip, an empty member": ("gzip", lambda data: gzip.compress(data) + gzip.compress(b"")),
    "deflate, zlib": ("deflate", zlib.compress),
    "deflate, bare": ("deflate", bare_deflate),
    "zstd": ("zstd", zstd.compress),
    "zstd, no size": ("zstd", unsized_zstd),
    "zstd, checksum": ("zstd", checked_zstd),
    "zstd, two frames": ("zstd", of_two(zstd.compress)),
    "zstd, skippable frames": ("zstd", skippable_zstd),
}


def content(size: int) -> bytes:
    """A batch of *size* bytes: an empty array and white space, which is what compresses best."""
    return b"[]".ljust(size)[:size]


def in_chunks(data: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """*data* in chunks of *sizes*, in turn."""
    at = number = 0
    while at < len(data):
        size = sizes[number % len(sizes)]
        yield data[at : at + size]
        at += size
        number += 1


def decompressed(encoding: str, chunks: Iterator[bytes]) -> bytes:
    """What the decoder of *encoding* makes of *chunks*."""
    make = DECODERS[encoding]
    assert make is not None
    decoder = make()
    found = b"".join(out for received in chunks for out in decoder.feed(received))
    decoder.end()
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", SIZES)
def test_a_stream_of_any_size_decompresses_to_the_content(form: str, size: int) -> None:
    """Also where the content ends exactly with a chunk of the decoder's."""
    encoding, encode = FORMS[form]

    data = content(size)
    assert decompressed(encoding, iter([encode(data)])) == data


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25, deadline=None)
@given(
    size=st.one_of(st.sampled_from(SIZES), st.integers(0, LIMIT)),
    sizes=st.lists(st.integers(1, 700) | st.integers(1, 2 * LIMIT), min_size=1, max_size=4),
    noise=st.integers(0, 255),
)
def test_chunks_of_any_size_decompress_to_the_content(
    form: str, size: int, sizes: list[int], noise: int
) -> None:
    """However the network splits the stream."""
    encoding, encode = FORMS[form]
    data = bytes((at * noise) & 255 for at in range(min(size, 5_000))).ljust(size)

    assert decompressed(encoding, in_chunks(encode(data), sizes)) == data


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [2, CHUNK_BYTES, 2 * CHUNK_BYTES, CHUNK_BYTES + 1])
def test_a_stream_without_its_end_is_refused(form: str, size: int) -> None:
    """At every size: what was cut off may have been data."""
    encoding, encode = FORMS[form]
    whole = encode(content(size))

    for missing in (1, 4, len(whole) - 1):
        with pytest.raises(BadCompressionError):
            decompressed(encoding, iter([whole[:-missing]]))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [2, CHUNK_BYTES, 2 * CHUNK_BYTES])
@pytest.mark.parametrize("tail", [b"\0", b"x", b"garbage behind the stream"])
def test_bytes_behind_a_stream_are_refused(form: str, size: int, tail: bytes) -> None:
    """They may be what is left of a damaged one."""
    encoding, encode = FORMS[form]

    with pytest.raises(BadCompressionError):
        decompressed(encoding, iter([encode(content(size)) + tail]))
    with pytest.raises(BadCompressionError):
        decompressed(encoding, iter([encode(content(size)), tail]))


@pytest.mark.parametrize("form", ["gzip", "deflate, zlib", "deflate, bare", "zstd"])
def test_endless_streams_in_a_row_are_refused(form: str) -> None:
    """Each costs a decoder and decompresses to nothing: a body of them would never be too large."""
    encoding, encode = FORMS[form]
    few, many = encode(b"") * MAX_STREAMS, encode(b"") * (MAX_STREAMS + 1)

    assert decompressed(encoding, iter([few])) == b""
    with pytest.raises(BadCompressionError, match="streams"):
        decompressed(encoding, in_chunks(many, [65_536]))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("size", "status"),
    [
        *[(size, 204) for size in SIZES if 2 <= size <= LIMIT],
        *[(size, 413) for size in SIZES if size > LIMIT],
        *[(size, 422) for size in SIZES if size < 2],
    ],
)
async def test_a_body_is_taken_up_to_the_limit_exactly(
    start_api: StartApi, form: str, size: int, status: int
) -> None:
    """Compressed or not, the limit is the same."""
    encoding, encode = FORMS[form]
    async with start_api(max_body_bytes=LIMIT + 4_096) as api:
        limit = LIMIT + 4_096
        data = content(size if size <= LIMIT else limit + size - LIMIT)
        answer = await api.post_items(encode(data), Content_Encoding=encoding)

    assert answer.status == status


@pytest.mark.parametrize("form", FORMS)
async def test_a_body_of_exactly_one_chunk_is_stored(acme: RunningApi, form: str) -> None:
    """The size of the decoder's chunks means nothing to a client."""
    encoding, encode = FORMS[form]

    answer = await acme.post_items(encode(content(CHUNK_BYTES)), Content_Encoding=encoding)

    assert answer.status == 204
