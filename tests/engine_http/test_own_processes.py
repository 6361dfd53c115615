"""An analyst lists the analyst's running statements, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine_http.statements.own_processes import asks_for_processes, with_processes
from tests.engine_http.process import EngineProcess
from tests.engine_http.test_queries import BUSY, eventually, running

OWN = "SELECT number, '\\'it''s' FROM numbers(1000000000000) WHERE sipHash64(number) = 1"


@pytest.fixture
def two_running(engine: EngineProcess) -> Iterator[EngineProcess]:
    """A statement of the analyst and one of the owner, both under way."""
    with ThreadPoolExecutor(2) as threads:
        threads.submit(engine.analyst, f"{OWN} -- mine", query_id="it's mine")
        threads.submit(engine.ask, f"{BUSY} -- secret", query_id="secret")
        try:
            for text in ("mine", "secret"):
                eventually(lambda text=text: running(engine, f"-- {text}") >= 1)  # type: ignore[misc]
            yield engine
        finally:
            for name in ("it\\'s mine", "secret"):
                engine.ask(f"KILL QUERY WHERE query_id = '{name}' SYNC")


def test_only_ones_own_statements_are_listed(two_running: EngineProcess) -> None:
    """With the client's id and text, as KILL QUERY wants it; also by SHOW PROCESSLIST."""
    read = "SELECT query_id, user, query FROM system.processes p WHERE p.elapsed >= 0 FORMAT TSVRaw"
    expected = f"it's mine\tanalyst\t{OWN} -- mine"

    rows = two_running.analyst(read)
    shown = two_running.analyst("SHOW PROCESSLIST FORMAT Vertical")
    counted = two_running.analyst("SELECT count() FROM SYSTEM . processes -- 2")

    assert (rows.status, rows.text.splitlines()[0]) == (200, expected), rows.text
    for answer in (rows, shown):
        assert answer.status == 200, answer.text
        assert "it's mine" in answer.text
        assert "secret" not in answer.text
        assert "/dev/fd" not in answer.text
    assert counted.text == "1\n"
    assert running(two_running, "-- secret") == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT query_id, query FROM system.processes WHERE query_id != ''",
        "SELECT p.query_id, p.query FROM system.processes AS p",
        "SHOW PROCESSLIST",
    ],
)
def test_the_owner_sees_ids_and_texts_as_clients_sent_them(
    two_running: EngineProcess, sql: str
) -> None:
    """Everybody's, and none of the text with which a result is sent to a pipe."""
    answer = two_running.ask(f"{sql} FORMAT TSVRaw")

    assert answer.status == 200, answer.text
    assert "secret" in answer.text
    assert "it's mine" in answer.text
    assert "/dev/fd" not in answer.text


def test_columns_that_the_owner_names_by_their_table_are_the_engines(
    two_running: EngineProcess,
) -> None:
    """A subquery in place of the table would hide its name."""
    counted = two_running.ask("SELECT count(system.processes.query) FROM system.processes")

    assert int(counted.text) >= 3


def test_without_running_statements_the_list_is_empty(engine: EngineProcess) -> None:
    """The one that asks is not in it."""
    answer = engine.analyst("SELECT count(), sum(memory_usage) FROM system.processes")

    assert (answer.status, answer.text) == (200, "0\t0\n")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'FROM system.processes'",
        "SELECT 1 IN system.processes",
        "SELECT system.processes.query",
        "SELECT 1 FROM system.processes_log",
        "SELECT 1 FROM x.system.processes",
        "SELECT 1 FROM system.processes.query",
        "SELECT 1 -- FROM system.processes",
        "EXPLAIN SHOW PROCESSLIST",
    ],
)
def test_only_a_source_is_replaced(text: str) -> None:
    """Whatever else names the table is refused as before."""
    assert not asks_for_processes(text.encode())
    assert with_processes(text.encode(), b"(1)") == text.encode()
