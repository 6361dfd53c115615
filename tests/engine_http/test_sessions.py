"""A session remembers what a server's session remembers."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.engine_http.process import EngineProcess
from tests.engine_http.test_queries import eventually, running


def test_temporary_tables_and_settings_live_in_the_session(engine: EngineProcess) -> None:
    """Other sessions see neither."""
    engine.ask("CREATE TEMPORARY TABLE kept (a Int32)", session_id="s1")
    engine.ask("1\n2", query="INSERT INTO kept FORMAT TSV", session_id="s1")
    engine.ask("SET max_block_size = 77", session_id="s1")

    assert engine.value("SELECT sum(a) FROM kept", session_id="s1") == "3"
    assert engine.value("SELECT getSetting('max_block_size')", session_id="s1") == "77"
    assert engine.ask("SELECT * FROM kept", session_id="s2").code == 60
    assert engine.ask("SELECT * FROM kept").code == 60


def test_url_settings_do_not_stay_in_the_session(engine: EngineProcess) -> None:
    """They override the session's own settings for one statement."""
    ask = "SELECT getSetting('max_block_size'), getSetting('max_threads')"
    engine.ask("SET max_block_size = 77", session_id="s3")
    before = engine.value(ask, session_id="s3")

    assert engine.value(ask, session_id="s3", max_block_size="5", max_threads="1") == "5\t1"
    assert engine.value(ask, session_id="s3") == before


def test_a_busy_session_is_locked(engine: EngineProcess) -> None:
    """Code 373, as on a server; another session is free."""
    slow = threading.Thread(
        target=engine.ask, args=("SELECT sleep(1.5)",), kwargs={"session_id": "s4"}
    )
    slow.start()
    while engine.value("SELECT count() FROM system.processes WHERE query LIKE '%sleep(1%'") == "1":
        pass  # only this query itself matches so far
    locked = engine.ask("SELECT 1", session_id="s4")
    free = engine.ask("SELECT 1", session_id="s5")
    slow.join()

    assert (locked.code, free.status) == (373, 200)


def test_session_ends_after_its_timeout(engine: EngineProcess) -> None:
    """A session with a time-out of zero ends at once."""
    engine.ask("CREATE TEMPORARY TABLE gone (a Int32)", session_id="s6", session_timeout="0")

    assert engine.ask("SELECT * FROM gone", session_id="s6").code == 60


def test_large_result_streams_from_a_session(engine: EngineProcess) -> None:
    """A session with a connection of its own uses the pipe as well."""
    engine.ask("SET max_block_size = 10000", session_id="s7")
    answer = engine.ask("SELECT number FROM numbers(500000)", session_id="s7")

    assert answer.text.count("\n") == 500_000


def test_sessions_may_expire_while_others_are_used(engine: EngineProcess) -> None:
    """No request is disturbed by the end of other sessions, however many end at once."""

    def use(number: int) -> int:
        name = f"ends-{number % 60}"
        made = engine.ask(
            f"CREATE TEMPORARY TABLE t{number} (a Int32)", session_id=name, session_timeout="0"
        )
        return made.status if made.code != 373 else 200

    with ThreadPoolExecutor(40) as threads:
        statuses = list(threads.map(use, range(240)))

    assert statuses == [200] * 240


@pytest.mark.parametrize("first", ["SET max_block_size = 1", "CREATE TEMPORARY TABLE x (a Int8)"])
def test_a_session_stays_locked_until_an_abandoned_statement_has_ended(
    engine: EngineProcess, first: str
) -> None:
    """When a client leaves, the next one does not get the session's connection too early."""
    name = first.partition(" ")[0]
    engine.ask(first, session_id=name)
    text = b"SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", engine.port)) as client:
            client.sendall(
                b"POST /?session_id=%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
                % (name.encode(), len(text), text)
            )
            eventually(lambda: running(engine, "ignore(sipHash64(number))") == 1)
        seen = set()
        while (answer := engine.ask("SELECT 1", session_id=name)).status != 200:
            seen.add(answer.code)
        assert seen <= {373}
        assert running(engine, "ignore(sipHash64(number))") == 0
