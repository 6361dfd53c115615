"""Short reads never wait behind long ones, for either user."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.engine_http.process import Answer, EngineProcess
from tests.engine_http.test_queries import BUSY, eventually, running

# More than the long pool of either user has threads.
LONG = {"analyst": 5, "default": 7}


@contextmanager
def long_reads(engine: EngineProcess, user: str, sql: str = BUSY) -> Iterator[list[Future[Answer]]]:
    """More long reads of *user* than may run at once; all are stopped at the end."""
    names = [f"long-{user}-{number}" for number in range(LONG[user])]
    with ThreadPoolExecutor(len(names)) as threads:
        futures = [threads.submit(engine.ask, sql, user=user, query_id=name) for name in names]
        eventually(lambda: running(engine, sql) >= 2)
        try:
            yield futures
        finally:
            # A trial may be about to start again, so the kill is repeated until none is left.
            while not all(future.done() for future in futures):
                engine.ask("KILL QUERY WHERE query LIKE '%sipHash64%' AND query NOT LIKE 'KILL%'")


@pytest.mark.parametrize("user", ["analyst", "default"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "SELECT count() FROM fasttrack.t",
        "SHOW TABLES FROM fasttrack",
        "DESCRIBE fasttrack.t",
        "EXPLAIN SELECT * FROM fasttrack.t",
        "EXISTS TABLE fasttrack.t",
        "WITH 1 AS x SELECT x FORMAT Native",
    ],
)
def test_short_reads_are_answered_while_long_ones_run(
    engine: EngineProcess, user: str, sql: str
) -> None:
    """With more long reads than threads, each of twenty short reads is answered."""
    with long_reads(engine, user) as futures, ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: engine.ask(sql, user=user), range(20)))

        assert [answer.status for answer in answers] == [200] * 20
        assert not any(future.done() for future in futures)


def test_what_does_not_end_in_its_trial_is_run_in_full(engine: EngineProcess) -> None:
    """With more time, rows or memory than a trial has, the answer is complete and comes once."""
    slow = "SELECT count() FROM numbers(50000000) WHERE NOT ignore(cityHash64(number))"
    large = "SELECT number FROM numbers(1000000)"
    hungry = "SELECT length(groupArray(number)) FROM numbers(15000000)"
    with ThreadPoolExecutor(3) as threads, long_reads(engine, "analyst"):
        futures = [threads.submit(engine.analyst, sql) for sql in (slow, large, hungry)]
        eventually(lambda: running(engine, slow) == 1)
        eventually(lambda: running(engine, slow) == 0)  # stopped: its time was used up

    answers = [future.result() for future in futures]
    assert [answer.status for answer in answers] == [200] * 3
    assert [answers[0].text, answers[2].text] == ["50000000\n", "15000000\n"]
    assert answers[1].text == "".join(f"{number}\n" for number in range(1_000_000))


def test_errors_of_a_trial_are_errors(engine: EngineProcess) -> None:
    """Only what a trial's own limits refuse is run again."""
    with long_reads(engine, "analyst"):
        codes = [
            engine.analyst(sql).code
            for sql in ("SELECT throwIf(1)", "SELECT nothing", "DROP TABLE fasttrack.t", "SELEKT")
        ]

    assert codes == [395, 47, 497, 62]


def test_commands_and_inserts_pass_long_reads_of_the_owner(
    engine: EngineProcess, table: str
) -> None:
    """The worker's inserts and the migrations have pools of their own."""
    with long_reads(engine, "default") as futures:
        inserted = engine.ask('{"id":"1"}', query=f"INSERT INTO {table} FORMAT JSONEachRow")
        made = engine.ask("CREATE OR REPLACE VIEW default.passes AS SELECT 1")

        assert (inserted.status, made.status) == (200, 200)
        assert not any(future.done() for future in futures)


def test_a_stopped_trial_is_not_the_clients_kill(engine: EngineProcess) -> None:
    """KILL QUERY ends a statement for good, even during its trial."""
    with long_reads(engine, "analyst") as futures:
        pass

    assert {future.result().code for future in futures} == {394}


def test_a_client_that_reads_slowly_loses_its_thread(engine: EngineProcess) -> None:
    """An answer may take its statement's time and a little more, however slowly it is read."""
    sql = b"SELECT number, 'takes little' FROM numbers(100000000000)"
    with socket.create_connection(("127.0.0.1", engine.port)) as client:
        client.sendall(
            b"POST /?user=analyst&max_execution_time=1 HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(sql), sql)
        )
        client.recv(1 << 16)
        eventually(lambda: running(engine, "takes little") == 0)
