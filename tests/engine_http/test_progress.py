"""Progress in headers, the counts of an answer, and when the first bytes are sent."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse

import pytest

from engine_http.http.request import parse
from tests.engine_http.process import EngineProcess
from tests.engine_http.test_queries import running

ASKED = "send_progress_in_http_headers=1"
ONE_BY_ONE = "SETTINGS max_block_size = 1"
SLOW = f"SELECT sleepEachRow(0.25), number FROM numbers(4) {ONE_BY_ONE}"
# The engine writes a mebibyte at once: the first after two rows, the second after four.
LONG_ROWS = f"SELECT sleepEachRow(0.4), repeat('x', 550000) FROM numbers(4) {ONE_BY_ONE}"


@contextmanager
def answer_to(engine: EngineProcess, sql: str, arguments: str = "") -> Iterator[HTTPResponse]:
    """The answer as soon as its headers are there."""
    connection = HTTPConnection("127.0.0.1", engine.port, timeout=60)
    try:
        connection.request("POST", f"/?{arguments}", sql)
        yield connection.getresponse()
    finally:
        connection.close()


def progress_of(answer: HTTPResponse) -> list[dict[str, int]]:
    """What the progress headers say, in order."""
    lines = answer.msg.get_all("X-ClickHouse-Progress", [])
    return [{name: int(value) for name, value in json.loads(line).items()} for line in lines]


@pytest.mark.parametrize(("user", "end"), [("analyst", "1"), ("default", "0")])
def test_progress_has_the_engines_counts(engine: EngineProcess, user: str, end: str) -> None:
    """Also with wait_end_of_query; the summary has the final counts."""
    asked = f"{ASKED}&wait_end_of_query={end}&user={user}"
    with answer_to(engine, SLOW, asked) as answer:
        body = answer.read()

    reports = progress_of(answer)
    rows = [one["read_rows"] for one in reports]
    assert len(reports) > 2
    assert rows == sorted(rows)
    assert 0 < rows[-1] <= 4
    assert reports[-1]["total_rows_to_read"] == 4
    assert 0.25e9 < reports[-1]["elapsed_ns"] < 30e9
    assert (answer.status, body) == (200, b"0\t0\n0\t1\n0\t2\n0\t3\n")
    summary = json.loads(answer.headers["X-ClickHouse-Summary"])
    assert (summary["read_rows"], summary["result_rows"]) == ("4", "4")


def test_it_arrives_while_the_statement_runs(engine: EngineProcess) -> None:
    """So that a client, and whatever is between, sees that the connection lives."""
    sql = f"{SLOW} -- arrives"
    with socket.create_connection(("127.0.0.1", engine.port), timeout=60) as client:
        head = f"POST /?{ASKED} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(sql)}\r\n\r\n"
        client.sendall(head.encode() + sql.encode())
        received = client.recv(1 << 16)

        assert running(engine, "-- arrives") == 1
    assert received.startswith(b"HTTP/1.1 200 OK\r\nX-ClickHouse-Progress: {")
    assert b"\r\n\r\n" not in received


def test_the_connection_can_be_used_again(engine: EngineProcess) -> None:
    """After progress and a whole answer, after progress and a stream."""
    connection = HTTPConnection("127.0.0.1", engine.port, timeout=60)
    for sql, size in ((SLOW, 16), (LONG_ROWS, 4 * 550_003), ("SELECT 1", 2)):
        connection.request("POST", f"/?{ASKED}", sql)
        answer = connection.getresponse()
        assert len(answer.read()) == size
        assert bool(progress_of(answer)) == (size > 2)
    connection.close()


def test_a_command_tells_its_progress(engine: EngineProcess) -> None:
    """What it has written, too."""
    sql = f"CREATE OR REPLACE TABLE default.slowly ENGINE = Memory AS {SLOW}"
    with answer_to(engine, sql, ASKED) as answer:
        assert (answer.status, answer.read()) == (200, b"")

    assert progress_of(answer)[-1]["written_rows"] in {2, 3, 4}


def test_an_error_after_progress_is_named_in_a_header(engine: EngineProcess) -> None:
    """The status has been sent by then; clients look for the code."""
    sql = f"SELECT sleepEachRow(0.25), throwIf(number = 2) FROM numbers(4) {ONE_BY_ONE}"
    with answer_to(engine, sql, ASKED) as answer:
        body = answer.read()

    assert progress_of(answer)
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (200, "395")
    assert body.startswith(b"Code: 395. DB::Exception: ")


def test_without_asking_there_is_none(engine: EngineProcess) -> None:
    """And an error before the first byte has its status."""
    sql = f"SELECT sleepEachRow(0.25), throwIf(number = 2) FROM numbers(4) {ONE_BY_ONE}"
    with answer_to(engine, sql) as answer:
        answer.read()

    assert progress_of(answer) == []
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (500, "395")


def test_the_first_bytes_are_sent_when_the_engine_has_made_them(engine: EngineProcess) -> None:
    """With the counts so far; the rest follows."""
    with answer_to(engine, f"{LONG_ROWS} -- first") as answer:
        first = answer.read(1)
        assert running(engine, "-- first") == 1
        rest = answer.read()

    assert len(first + rest) == 4 * 550_003
    summary = json.loads(answer.headers["X-ClickHouse-Summary"])
    assert 1 <= int(summary["read_rows"]) < 4
    assert summary["total_rows_to_read"] == "4"


def test_wait_end_of_query_sends_all_of_it_at_once(engine: EngineProcess) -> None:
    """With its length and the final counts."""
    with answer_to(engine, f"{LONG_ROWS} -- whole", "wait_end_of_query=1") as answer:
        assert running(engine, "-- whole") == 0
        body = answer.read()

    assert len(body) == int(answer.headers["Content-Length"]) == 4 * 550_003
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["result_rows"] == "4"


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({}, 0.0),
        ({"send_progress_in_http_headers": "0"}, 0.0),
        ({"send_progress_in_http_headers": "1"}, 0.1),
        ({"send_progress_in_http_headers": "true", "http_headers_progress_interval_ms": "0"}, 0.1),
        ({"send_progress_in_http_headers": "1", "http_headers_progress_interval_ms": "1"}, 0.01),
        ({"send_progress_in_http_headers": "1", "http_headers_progress_interval_ms": "500"}, 0.5),
        ({"http_headers_progress_interval_ms": "500"}, 0.0),
    ],
)
def test_how_often_progress_is_sent(settings: dict[str, str], seconds: float) -> None:
    """As often as the client says, within reason."""
    assert parse("POST", settings.items(), {}).progress_seconds == seconds
