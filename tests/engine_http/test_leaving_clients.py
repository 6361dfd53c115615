"""A client that leaves while a thread works for it disturbs nobody.

The thread uses descriptors of the request. Were they closed when the client leaves, the system
would give their numbers to other requests, and the thread would read bodies and results of theirs.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import urllib.parse

import pytest

from engine_http.threads import ended, on_thread
from tests.engine_http.process import EngineProcess

ROWS = 2_000
TIMES = 25


def rows_of(name: str) -> bytes:
    """Rows whose ids begin with *name*."""
    return "\n".join(json.dumps({"id": f"{name}-{number}"}) for number in range(ROWS)).encode()


def as_request(engine: EngineProcess, query: str, body: bytes, encoding: str = "") -> bytes:
    """An HTTP request as it is sent."""
    head = f"POST /?query={urllib.parse.quote(query)} HTTP/1.1\r\nHost: {engine.url}\r\n"
    head += f"Content-Encoding: {encoding}\r\n" if encoding else ""
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize("way", ["url", "body", "both", "gzip"])
def test_an_insert_whose_client_left_stores_its_own_rows(
    engine: EngineProcess, table: str, way: str
) -> None:
    """All of them or none; and a statement that comes after it reads its own result."""
    insert = f"INSERT INTO {table} (id) FORMAT JSONEachRow"
    for time in range(TIMES):
        rows = rows_of(str(time))
        request = {
            "url": lambda rows=rows: as_request(engine, insert, rows),
            "body": lambda rows=rows: as_request(engine, "", insert.encode() + b"\n" + rows),
            "both": lambda rows=rows: as_request(engine, insert + ' {"id":"x"}', rows),
            "gzip": lambda rows=rows: as_request(engine, insert, gzip.compress(rows), "gzip"),
        }[way]()
        with socket.create_connection(("127.0.0.1", engine.port)) as client:
            client.sendall(request)
        answers = [engine.value(f"SELECT {number} FROM numbers(1)") for number in range(3)]
        assert answers == ["0", "1", "2"]
    stored = engine.value(
        f"SELECT splitByChar('-', id)[1] AS time, uniqExact(id) FROM {table}"
        f" WHERE id != 'x' GROUP BY time HAVING uniqExact(id) != {ROWS}"
    )
    assert stored == ""


async def test_a_cancelled_caller_leaves_when_its_thread_has_ended() -> None:
    """However often it is cancelled."""
    may_end, began = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> str:
        loop.call_soon_threadsafe(began.set)
        may_end.wait(10)
        return "done"

    caller = asyncio.create_task(on_thread(work))
    await began.wait()
    for _ in range(3):
        caller.cancel()
        await asyncio.sleep(0)
        assert not caller.done()
    may_end.set()

    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_the_outcome_is_the_works() -> None:
    """What it returns and what it raises."""
    loop = asyncio.get_running_loop()

    assert await ended(loop.run_in_executor(None, lambda: 7)) == 7
    with pytest.raises(ZeroDivisionError):
        await on_thread(divmod, 1, 0)
