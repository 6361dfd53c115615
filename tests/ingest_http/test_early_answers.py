"""An answer that comes before the end of the body reaches a client that is still sending."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import pytest
import requests

from ingest_http.http.routes import BULK_PATH
from railhead.send.connection import ApiConnection as SendTo
from tests.ingest_http.running_api import RunningApi, StartApi, until

LIMIT = 10_000_000
# Why each request is refused: its status, its key, and a header.
REFUSALS: dict[str, tuple[int, str, tuple[str, str]]] = {
    "wrong key": (403, "wrong", ("X", "x")),
    "too large": (413, "", ("X", "x")),
    "not JSON": (415, "", ("Content-Type", "text/plain")),
    "unknown encoding": (415, "", ("Content-Encoding", "br")),
    "not compressed": (422, "", ("Content-Encoding", "gzip")),
    "not ready": (503, "", ("X", "x")),
}


@pytest.fixture
async def api(start_api: StartApi) -> AsyncIterator[RunningApi]:
    """An ingest API that accepts ten megabytes."""
    async with start_api(max_body_bytes=LIMIT) as opened:
        yield opened


def head(api: RunningApi, why: str, length: int | None) -> bytes:
    """The request line and headers of a refused request; without *length* it comes in chunks."""
    _, key, (name, value) = REFUSALS[why]
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = [
        f"POST {BULK_PATH} HTTP/1.1",
        "Host: x",
        f"x-api-key: {key or api.key}",
        f"{name}: {value}",
        framing,
    ]
    return "".join(line + "\r\n" for line in lines).encode() + b"\r\n"


def size_of(why: str) -> int:
    """The bytes of a body that is refused for this reason: many buffers full."""
    return 2 * LIMIT if why == "too large" else LIMIT - 1


def prepare(api: RunningApi, why: str) -> int:
    """Make the API refuse for this reason; returns the status."""
    api.memory.not_ready = "no broker" if why == "not ready" else None
    return REFUSALS[why][0]


@pytest.mark.parametrize("chunked", [False, True], ids=["with length", "chunked"])
async def test_a_client_that_sends_slowly_and_reads_at_the_end_reads_the_answer(
    api: RunningApi,
    chunked: bool,  # noqa: FBT001
) -> None:
    """As many do; sending takes longer than a connection waits on its own."""
    cases = [why for why in REFUSALS if why != "not ready"]

    async def send_slowly(why: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.ports.http)
        received = b" " * (size_of(why) // 100)
        writer.write(head(api, why, None if chunked else 100 * len(received)))
        for _ in range(100):
            writer.write(b"%x\r\n%b\r\n" % (len(received), received) if chunked else received)
            await writer.drain()
            # The test is about slowness: more than the three seconds of an earlier version.
            await asyncio.sleep(0.045)
        answer = await reader.read()
        writer.close()
        return answer

    answers = await asyncio.gather(*map(send_slowly, cases))

    assert [int(one[9:12]) for one in answers] == [prepare(api, why) for why in cases]
    assert [json.loads(one.partition(b"\r\n\r\n")[2])["error"] for one in answers]


@pytest.mark.parametrize("why", REFUSALS)
async def test_the_answer_is_there_before_the_body(api: RunningApi, why: str) -> None:
    """At once, and the connection's end with it, while the client may still send."""
    status = prepare(api, why)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.ports.http)
    writer.write(head(api, why, size_of(why)) + b"x" * (LIMIT // 2))

    answer = await asyncio.wait_for(reader.read(), 10)

    assert int(answer[9:12]) == status
    assert b"Connection: close" in answer
    assert api.ingest.lingering.now == 1
    writer.write(b"x" * (LIMIT // 3))
    await writer.drain()
    writer.close()
    await until(lambda: api.ingest.lingering.now == 0)


def by_requests(url: str, headers: dict[str, str], body: bytes) -> int:
    """Post with requests, which sends all of a body before it reads."""
    return requests.post(url, data=body, headers=headers, timeout=20).status_code


def by_requests_in_chunks(url: str, headers: dict[str, str], body: bytes) -> int:
    """The same without a length."""
    chunks = (body[at : at + 100_000] for at in range(0, len(body), 100_000))
    return requests.post(url, data=chunks, headers=headers, timeout=20).status_code


def by_http_client(url: str, headers: dict[str, str], body: bytes) -> int:
    """Post with the standard library."""
    host = url.split("/")[2]
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request("POST", BULK_PATH, body, headers)
    return connection.getresponse().status


def by_curl(url: str, headers: dict[str, str], body: bytes) -> int:
    """Post with curl, which asks for `100 Continue` first."""
    options = [option for name, value in headers.items() for option in ("-H", f"{name}: {value}")]
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", "@-"]
    done = subprocess.run([*command, *options, url], input=body, capture_output=True, check=True)
    return int(done.stdout)


def by_curl_at_once(url: str, headers: dict[str, str], body: bytes) -> int:
    """The same without asking."""
    return by_curl(url, {**headers, "Expect": ""}, body)


CLIENTS: dict[str, Callable[[str, dict[str, str], bytes], int]] = {
    "requests": by_requests,
    "requests, chunked": by_requests_in_chunks,
    "http.client": by_http_client,
    "curl": by_curl,
    "curl, at once": by_curl_at_once,
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("why", REFUSALS)
async def test_ordinary_clients_read_the_answer(api: RunningApi, why: str, client: str) -> None:
    """Whatever they do while they send a body of many buffers."""
    if client.startswith("curl") and shutil.which("curl") is None:
        pytest.skip("there is no curl")
    status = prepare(api, why)
    _, key, (name, value) = REFUSALS[why]
    headers = {"Content-Type": "application/json", "x-api-key": key or api.key, name: value}

    found = await asyncio.to_thread(
        CLIENTS[client], api.url + BULK_PATH, headers, b"x" * size_of(why)
    )

    assert found == status


@pytest.mark.parametrize("why", REFUSALS)
async def test_aiohttps_client_reads_the_answer(api: RunningApi, why: str) -> None:
    """It reads while it sends."""
    status = prepare(api, why)
    _, key, (name, value) = REFUSALS[why]

    async def body() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * (size_of(why) // 100)

    headers = {"Content-Type": "application/json", "x-api-key": key or api.key, name: value}
    async with aiohttp.ClientSession() as client:
        answer = await client.post(api.url + BULK_PATH, data=body(), headers=headers)

        assert answer.status == status
        assert (await answer.json())["error"]


async def test_send_reads_an_answer_while_it_sends(api: RunningApi) -> None:
    """And the next body goes over another connection."""
    wrong, right = SendTo(api.url, "wrong"), SendTo(api.url, api.key)

    assert (await asyncio.to_thread(wrong.post, b"x" * (20 * LIMIT))).status == 403
    assert (await asyncio.to_thread(right.post, b"x" * (20 * LIMIT))).status == 413
    assert (await asyncio.to_thread(right.post, b"[]")).status == 204


@pytest.fixture
def answering_and_resetting() -> Iterator[str]:
    """A server that answers 403 to the headers, reads a little, and resets the connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}")
        connection.recv(100_000)
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join()
    listener.close()


async def test_send_reads_an_answer_of_a_server_that_does_not_wait(
    answering_and_resetting: str,
) -> None:
    """A proxy may close the connection right after its answer."""
    api = SendTo(answering_and_resetting, "key")

    assert (await asyncio.to_thread(api.post, b"x" * (20 * LIMIT))).status == 403


async def test_a_small_body_that_was_refused_leaves_the_connection_open(api: RunningApi) -> None:
    """The rest of it is read, and the next request may come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.ports.http)
    statuses = []
    for why in ("wrong key", "not JSON"):
        writer.write(head(api, why, 1_000))
        statuses.append(int((await asyncio.wait_for(reader.readuntil(b"\r\n"), 10))[9:12]))
        writer.write(b"x" * 1_000)
        await reader.readuntil(b"}\n")
    writer.close()

    assert statuses == [403, 415]


async def test_a_client_that_never_ends_is_cut_off_at_the_bounds(api: RunningApi) -> None:
    """Of bytes, and of seconds where it sends hardly any."""
    api.ingest.lingering.bytes = LIMIT
    _, fast = await asyncio.open_connection("127.0.0.1", api.ports.http)
    fast.write(head(api, "wrong key", 1_000 * LIMIT))
    with pytest.raises(ConnectionError):
        await send_without_end(fast)

    api.ingest.lingering.seconds = 0.2
    reader, slow = await asyncio.open_connection("127.0.0.1", api.ports.http)
    slow.write(head(api, "wrong key", 1_000 * LIMIT) + b"x")
    await reader.read()
    await until(lambda: api.ingest.lingering.now == 0)


async def send_without_end(writer: asyncio.StreamWriter) -> None:
    """Write until the connection breaks."""
    while True:
        writer.write(b"x" * LIMIT)
        await writer.drain()


async def test_so_many_connections_linger_and_no_more(api: RunningApi) -> None:
    """The others get their answer and are closed at once."""
    api.ingest.lingering.connections = 3
    streams = [await asyncio.open_connection("127.0.0.1", api.ports.http) for _ in range(6)]
    for reader, writer in streams:
        writer.write(head(api, "wrong key", 10 * LIMIT))
        assert b" 403 " in await asyncio.wait_for(reader.readline(), 10)

    assert api.ingest.lingering.now == 3
    for _, writer in streams:
        writer.close()
    await until(lambda: api.ingest.lingering.now == 0)


async def test_an_api_that_stops_does_not_wait_for_lingering_connections(
    start_api: StartApi,
) -> None:
    """Their answer has been sent."""
    async with start_api(max_body_bytes=LIMIT) as api:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.ports.http)
        writer.write(head(api, "wrong key", 10 * LIMIT))
        await reader.readline()
        stopping = api.ingest
    writer.close()

    assert stopping.lingering.now == 0


async def test_nothing_is_continued_for_a_client_that_was_refused(api: RunningApi) -> None:
    """A client that asks for `100 Continue` and is refused has its connection closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.ports.http)
    text = head(api, "wrong key", 100)
    writer.write(text[:-2] + b"Expect: 100-continue\r\n\r\n")

    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"Connection: close" in answer
