"""Statements can be stopped, and none blocks another."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import psutil

from tests.engine_http.process import Answer, EngineProcess

BUSY = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"
WAIT_SECONDS = 60.0


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def running(engine: EngineProcess, text: str) -> int:
    """How many statements that contain *text* the engine is running."""
    sql = "SELECT count() FROM system.processes WHERE position(query, {t:String}) > 0"
    own = "AND position(query, 'system.processes') = 0"
    return int(engine.value(f"{sql} {own}", param_t=text))


def test_kill_finds_a_statement_by_the_clients_id(engine: EngineProcess) -> None:
    """KILL QUERY works across connections, with the id the client chose."""
    with ThreadPoolExecutor(1) as threads:
        killed = threads.submit(engine.ask, f"{BUSY} -- kill me", query_id="kill-me")
        eventually(lambda: running(engine, "kill me") == 1)
        answer = engine.ask("KILL QUERY WHERE query_id = 'kill-me' SYNC")

        assert answer.status == 200
        assert killed.result().code == 394


def test_an_id_runs_once_at_a_time(engine: EngineProcess) -> None:
    """Code 216, as on a server."""
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(engine.ask, "SELECT sleep(1) -- twice", query_id="twice")
        eventually(lambda: running(engine, "twice") == 1)

        assert engine.ask("SELECT 1", query_id="twice").code == 216
        assert first.result().status == 200


def test_execution_time_is_limited(engine: EngineProcess) -> None:
    """159 and status 408."""
    answer = engine.ask(BUSY, max_execution_time="1")

    assert (answer.status, answer.code) == (408, 159)


def test_a_client_that_leaves_ends_its_query(engine: EngineProcess) -> None:
    """The engine does not go on with an answer that nobody reads, buffered or streamed."""
    streamed = "SELECT number FROM numbers(1000000000000)"
    for name, sql in (("waits", BUSY), ("streams", streamed)):
        client = socket.create_connection(("127.0.0.1", engine.port))
        text = f"{sql} -- {name}".encode()
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
        )
        eventually(lambda name=name: running(engine, f"-- {name}") == 1)  # type: ignore[misc]
        client.close()
        eventually(lambda name=name: running(engine, f"-- {name}") == 0)  # type: ignore[misc]


def test_a_slow_reader_does_not_fill_memory(engine: EngineProcess) -> None:
    """The engine waits for the client; a result of gigabytes takes megabytes."""
    process = psutil.Process(engine.process.pid)
    with socket.create_connection(("127.0.0.1", engine.port)) as client:
        sql = b"SELECT number, randomPrintableASCII(100) FROM numbers(100000000) -- slow"
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(sql), sql)
        )
        received = 0
        while received < 64 << 20:
            received += len(client.recv(1 << 20))
        before = process.memory_info().rss
        eventually(lambda: running(engine, "-- slow") == 1)
        while received < 256 << 20:
            received += len(client.recv(1 << 20))

        assert process.memory_info().rss - before < 200 << 20
    eventually(lambda: running(engine, "-- slow") == 0)


def test_busy_analysts_do_not_stop_inserts_and_health(engine: EngineProcess, table: str) -> None:
    """More analysts than threads: the rest wait, inserts and /ping do not."""

    async def load() -> tuple[list[int], list[float], list[float]]:
        async with aiohttp.ClientSession(engine.url) as client:

            async def post(body: bytes, **arguments: str) -> tuple[int, float]:
                begun = time.monotonic()
                async with client.post("/", params=arguments, data=body) as answer:
                    await answer.read()
                    return answer.status, time.monotonic() - begun

            analysts = [
                asyncio.create_task(post(BUSY.encode(), user="analyst", max_execution_time="2"))
                for _ in range(4)
            ]
            await asyncio.to_thread(eventually, lambda: running(engine, BUSY) >= 2)
            inserts, pings = [], []
            while not all(task.done() for task in analysts):
                status, seconds = await post(
                    b'{"id":"1"}', query=f"INSERT INTO {table} FORMAT JSONEachRow"
                )
                assert status == 200
                inserts.append(seconds)
                begun = time.monotonic()
                async with client.get("/ping") as answer:
                    assert answer.status == 200
                pings.append(time.monotonic() - begun)
            statuses = [status for status, _ in await asyncio.gather(*analysts)]
            return statuses, sorted(inserts), sorted(pings)

    statuses, inserts, pings = asyncio.run(load())

    assert set(statuses) == {408}  # each had its turn and its two seconds
    # An analyst's turn takes two seconds; an insert that waited for one would take as long.
    assert inserts[len(inserts) // 2] < 1.0
    assert pings[len(pings) // 2] < 0.3


def test_many_statements_at_once_are_all_answered(engine: EngineProcess, table: str) -> None:
    """Inserts, queries and DDL from many connections."""

    def one(number: int) -> Answer:
        if number % 3 == 0:
            return engine.ask(
                f'{{"id":"{number}"}}', query=f"INSERT INTO {table} FORMAT JSONEachRow"
            )
        if number % 3 == 1:
            return engine.ask(f"SELECT count() FROM {table}")
        return engine.ask(f"CREATE OR REPLACE VIEW default.v{number} AS SELECT {number}")

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(one, range(90)))

    assert {answer.status for answer in answers} == {200}
    assert engine.value(f"SELECT count() FROM {table} FINAL") == "30"


def test_the_engines_own_tables_are_there_for_the_owner(engine: EngineProcess) -> None:
    """Parts, processes, settings: as in any ClickHouse."""
    for name in ("parts", "processes", "settings", "merges", "metrics", "events", "tables"):
        assert engine.ask(f"SELECT count() FROM system.{name}").status == 200


def test_threads_do_not_leak(engine: EngineProcess) -> None:
    """Descriptors stay flat over many statements, failed and refused ones included."""
    process = psutil.Process(engine.process.pid)

    def burst() -> None:
        for _ in range(30):
            engine.ask("SELECT 1")
            engine.ask("SELECT * FROM nowhere")
            engine.analyst("SELECT * FROM system.parts")

    burst()
    before = process.num_fds()
    threads = [threading.Thread(target=burst) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    eventually(lambda: process.num_fds() <= before + 5)
