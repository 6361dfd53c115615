"""Compressed, broken, slow and hostile bodies."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import zlib
from collections.abc import Callable

import pytest

from ingest_http.body.decompress import CHUNK_BYTES, DeflateDecoder
from ingest_http.body.item_count import has_more_items
from ingest_http.http.routes import BULK_PATH
from tests.ingest_http.running_api import RunningApi, StartApi, casino, until

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BODY = json.dumps([casino(str(number)) for number in range(300)]).encode()
CODECS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}


def bare_deflate(data: bytes) -> bytes:
    """Deflate without zlib's frame, as many clients send it."""
    encoder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return encoder.compress(data) + encoder.flush()


@pytest.mark.parametrize("codec", CODECS)
async def test_compressed_body_is_the_same_batch(acme: RunningApi, codec: str) -> None:
    """gzip, deflate and zstd."""
    answer = await acme.post_items(CODECS[codec](BODY), Content_Encoding=codec)

    assert answer.status == 204
    assert len(acme.memory.topics["fasttrack.realtime-casino"]) == 300


async def test_bare_deflate_is_taken_too(acme: RunningApi) -> None:
    """Many clients mean this by deflate."""
    answer = await acme.post_items(bare_deflate(BODY), Content_Encoding="deflate")

    assert answer.status == 204


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
async def test_members_may_follow_each_other(acme: RunningApi, codec: str) -> None:
    """Both formats allow it, and some clients compress as they go."""
    chunks = CODECS[codec](BODY[:1_000]) + CODECS[codec](BODY[1_000:])

    assert (await acme.post_items(chunks, Content_Encoding=codec)).status == 204


@pytest.mark.parametrize("codec", ["br", "compress", "gzip, gzip", "nonsense"])
async def test_other_encodings_are_415_and_say_which_to_use(acme: RunningApi, codec: str) -> None:
    """An allow-list: what is installed by chance is not offered."""
    answer = await acme.post_items(b"[]", Content_Encoding=codec)

    assert answer.status == 415
    assert answer.json()["error"] == "content_encoding"
    assert answer.headers["Accept-Encoding"] == "gzip, deflate, zstd"


@pytest.mark.parametrize("codec", CODECS)
async def test_bomb_is_413(acme: RunningApi, codec: str) -> None:
    """A small body that grows past the limit is stopped at the limit."""
    bomb = CODECS[codec](b" " * 40_000_000)
    assert len(bomb) < 100_000

    answer = await acme.post_items(bomb, Content_Encoding=codec)

    assert answer.status == 413
    assert acme.ingest.admission.used_bytes == 0


@pytest.mark.parametrize("codec", CODECS)
async def test_truncated_stream_is_422(acme: RunningApi, codec: str) -> None:
    """Half a batch is not a batch."""
    answer = await acme.post_items(CODECS[codec](BODY)[:-5], Content_Encoding=codec)

    assert answer.status == 422


@pytest.mark.parametrize("codec", CODECS)
async def test_body_that_is_not_compressed_as_said_is_422(acme: RunningApi, codec: str) -> None:
    """The header is wrong or the body is."""
    answer = await acme.post_items(BODY, Content_Encoding=codec)

    assert answer.status == 422
    assert codec in answer.json()["message"]


def test_decoders_never_give_a_large_chunk() -> None:
    """A caller that counts the chunks can stop in time."""
    decoder = DeflateDecoder()

    chunks = list(decoder.feed(zlib.compress(b"x" * 5_000_000)))
    decoder.end()

    assert max(map(len, chunks)) <= CHUNK_BYTES
    assert sum(map(len, chunks)) == 5_000_000


async def test_slow_body_is_408_at_the_deadline(start_api: StartApi) -> None:
    """A client that stalls does not keep its memory."""

    async def stalling() -> object:
        yield b"["
        await asyncio.sleep(30)

    async with start_api(request_deadline_seconds=0.3) as api:
        answer = await api.ask(
            "POST",
            BULK_PATH,
            data=stalling(),
            headers={"x-api-key": api.key, "content-type": "application/json"},
        )

        assert answer.status == 408
        assert api.ingest.admission.used_bytes == 0


async def test_client_that_goes_away_gives_its_memory_back(acme: RunningApi) -> None:
    """Nothing is stored, and no memory stays reserved."""
    _, writer = await asyncio.open_connection("127.0.0.1", acme.ports.http)
    head = f"POST {BULK_PATH} HTTP/1.1\r\nHost: x\r\nx-api-key: {acme.key}\r\n"
    writer.write(head.encode() + b"Content-Length: 1000\r\n\r\n[")
    await until(lambda: acme.ingest.admission.used_bytes)
    writer.close()
    await until(lambda: not acme.ingest.admission.used_bytes)

    assert not acme.memory.topics


async def test_client_that_expects_100_is_refused_before_its_body(acme: RunningApi) -> None:
    """With a bad key there is no `100 Continue`, only the 403."""
    answers = {}
    for key in (acme.key, "wrong"):
        reader, writer = await asyncio.open_connection("127.0.0.1", acme.ports.http)
        head = f"POST {BULK_PATH} HTTP/1.1\r\nHost: x\r\nx-api-key: {key}\r\n"
        writer.write(head.encode() + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        answers[key] = await asyncio.wait_for(reader.readline(), 5)
        writer.close()

    assert answers == {
        acme.key: b"HTTP/1.1 100 Continue\r\n",
        "wrong": b"HTTP/1.1 403 Forbidden\r\n",
    }


@pytest.mark.parametrize(
    "text",
    [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"],
)
async def test_bytes_that_are_not_http_are_400_in_json(acme: RunningApi, text: bytes) -> None:
    """And what was sent is not repeated."""
    reader, writer = await asyncio.open_connection("127.0.0.1", acme.ports.http)
    writer.write(text + b"\r\n\r\n")

    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()

    assert answer[8:13] == b" 400 "
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"] == "bad_request"


@pytest.mark.parametrize("version", ["0.9", "2.0"])
async def test_other_versions_of_http_are_400_in_http_1(acme: RunningApi, version: str) -> None:
    """The answer's first line does not repeat a version that is not supported."""
    reader, writer = await asyncio.open_connection("127.0.0.1", acme.ports.http)
    writer.write(f"GET /health/live HTTP/{version}\r\nHost: x\r\n\r\n".encode())

    answer = await asyncio.wait_for(reader.readline(), 5)
    writer.close()

    assert answer == b"HTTP/1.1 400 Bad Request\r\n"


@pytest.mark.parametrize(
    "item",
    [
        b'{"event":"realtime-casino","data":{"amount":1e400}}',
        b'{"event":"realtime-casino","data":{"amount":NaN}}',
        b'{"event":"realtime-casino","data":{"amount":' + b"9" * 5_000 + b"}}",
        b'{"event":"realtime-casino","data":{"unique_id":"\\ud800"}}',
        b'{"event":"realtime-casino","data":{"unique_id":"\x00"}}',
        b'{"event":"realtime-casino","event":"realtime-login","data":{}}',
        b"[" * 10_000 + b"]" * 10_000,
        b'"' + b"x" * 2_000_000 + b'"',
        b'"' + b"\\u0001" * 1_200_000 + b'"',
        b"null",
    ],
)
async def test_huge_item_leaves_its_neighbours_alone(acme: RunningApi, item: bytes) -> None:
    """Never a 5xx; the item is kept as rejected, the others are stored."""
    good = json.dumps(casino("a")).encode(), json.dumps(casino("b")).encode()

    answer = await acme.post_items(b"[" + good[0] + b"," + item + b"," + good[1] + b"]")

    assert answer.status == 204
    assert len(acme.memory.topics["fasttrack.realtime-casino"]) == 2
    (kept,) = acme.memory.topics["fasttrack.rejected"]
    assert len(kept.value) < 8_000_000


async def test_millions_of_tiny_items_are_413_quickly(acme: RunningApi) -> None:
    """Before they are split, which would take a gigabyte."""
    answer = await asyncio.wait_for(acme.post_items(b"[" + b"1," * 8_000_000 + b"1]"), 20)

    assert answer.status == 413
    assert answer.json()["error"] == "too_many_items"


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (b"[" + b"1," * 100 + b"1]", True),
        (b"[" + b"1," * 99 + b"1]", False),
        (b"[[" + b"1," * 500 + b"1]]", False),
        (b'["' + b"," * 500 + b'"]', False),
        (b'["\\"' + b"," * 500 + b'"]', False),
        (b'["\\\\"' + b",1" * 500 + b"]", True),
        (b"[" + b'{},[],"",' * 50 + b"1]", True),
    ],
)
def test_items_are_counted_at_the_top_level_only(body: bytes, more: bool) -> None:  # noqa: FBT001
    """Commas in strings and in nested values are not between items."""
    assert has_more_items(body, 100) == more
