"""An analyst reads the analysts' views and nothing else, within limits that cannot be lifted."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.engine_http import attacks
from tests.engine_http.process import Answer, EngineProcess
from tests.engine_http.test_queries import BUSY, eventually, running

ARGUMENTS = {"param_p": "/etc/passwd", "param_n": "1", "param_d": "system"}


def ask(engine: EngineProcess, sql: str, **arguments: str) -> Answer:
    """Ask as the analyst, with the parameters that the statements use."""
    return engine.analyst(sql, **{**ARGUMENTS, **arguments})


@pytest.mark.parametrize("sql", attacks.ALLOWED)
def test_ordinary_questions_are_answered(engine: EngineProcess, sql: str) -> None:
    """The guard must not hinder ordinary work."""
    answer = ask(engine, sql)

    assert answer.status == 200, answer.text


def test_no_part_of_a_statement_lets_a_function_reach_a_file(engine: EngineProcess) -> None:
    """Wherever an expression is allowed, and however the call is written."""
    statements = [position.format(attacks.FILE) for position in attacks.POSITIONS]
    statements += [f"SELECT {spelling}" for spelling in attacks.SPELLINGS]
    let_through = [sql for sql in statements if ask(engine, sql).status == 200]

    assert let_through == []


def test_nothing_but_the_views_is_a_source(engine: EngineProcess) -> None:
    """Table functions, storage tables, files and internal tables, in three positions."""
    positions = (
        "SELECT * FROM {}",
        "SELECT (SELECT count() FROM {})",
        "WITH x AS (SELECT * FROM {}) SELECT 1 FROM x",
    )
    statements = [
        position.format(source)
        for position, source in itertools.product(positions, attacks.SOURCES)
    ]
    let_through = [sql for sql in statements if ask(engine, sql).status == 200]

    assert let_through == []


def test_no_statement_changes_anything_or_lifts_a_limit(engine: EngineProcess) -> None:
    """Writes, sessions, several statements, settings, formats that read files."""
    let_through = [sql for sql in attacks.STATEMENTS if ask(engine, sql).status == 200]

    assert let_through == []
    assert not Path("/tmp/railhead-attack").exists()  # noqa: S108
    assert engine.value("SELECT count() FROM fasttrack_store.t") == "2"


@pytest.mark.parametrize("sql", attacks.WRITTEN_ODDLY)
def test_what_is_forbidden_is_refused_however_it_is_written(
    engine: EngineProcess, sql: str
) -> None:
    """Unicode quotes and blanks, and escapes in names: the engine understands them."""
    answer = ask(engine, sql, session_id="odd")

    assert answer.status != 200
    assert not Path("/tmp/railhead-attack").exists()  # noqa: S108


def test_no_url_parameter_lifts_a_limit(engine: EngineProcess) -> None:
    """Settings, databases, roles and formats from the URL obey the same rules."""
    let_through = [
        one for one in attacks.URL_SETTINGS if ask(engine, "SELECT 1", **one).status == 200
    ]

    assert let_through == []


@pytest.mark.parametrize(("name", "asked", "cap"), attacks.LOWERED)
def test_limits_above_the_cap_are_lowered_and_reported(
    engine: EngineProcess, name: str, asked: tuple[str, ...], cap: str | None
) -> None:
    """In the URL, in the statement, in a session: dashboards send their own with each query."""
    cap = cap or ask(engine, "SELECT getSetting('max_threads')").text.strip()
    read = f"SELECT getSetting('{name}')"
    for number, value in enumerate(asked):
        session = f"{name}-{number}"
        answers = [ask(engine, f"{read} SETTINGS join_use_nulls = 1, {name} = {value}")]
        answers += [ask(engine, f"SET {name} = {value}", session_id=session)]
        answers += [ask(engine, read, session_id=session)]
        if value.isdigit():
            answers += [ask(engine, read, **{name: value})]

        assert [answer.text for answer in answers if answer.text] == [f"{cap}\n"] * (
            len(answers) - 1
        )
        assert all(
            answer.headers["x-railhead-lowered"] == f"{name}={cap}"
            for answer in answers
            if answer is not answers[2]
        )


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT max_threads = 64 FROM (SELECT 64 AS max_threads)",
        "SELECT 1 AS settings, max_threads = 64 FROM (SELECT 64 AS max_threads) WHERE settings = 1",
        "SELECT 'SETTINGS max_threads = 64' = concat('SETTINGS max_threads', ' = 64')",
        "SELECT set = 1 AND max_threads = 64 FROM (SELECT 1 AS set, 64 AS max_threads)",
    ],
)
def test_only_settings_are_lowered(engine: EngineProcess, sql: str) -> None:
    """A column of the same name and a string keep their meaning."""
    answer = ask(engine, sql)

    assert answer.text.strip().rpartition("\t")[2] in ("1", "true")
    assert "x-railhead-lowered" not in answer.headers


def test_an_analyst_stops_analysts_statements_only(engine: EngineProcess) -> None:
    """By the client's id, as tools do when a tab is closed; the owner's statements go on."""
    with ThreadPoolExecutor(2) as threads:
        theirs = threads.submit(engine.analyst, BUSY, query_id="of-analyst")
        owners = threads.submit(engine.ask, f"{BUSY} -- owner", query_id="of-owner")
        eventually(lambda: running(engine, BUSY) == 2)
        other = ask(engine, "KILL QUERY WHERE query_id = 'of-owner' SYNC")
        own = ask(engine, "KILL QUERY WHERE query_id = 'of-analyst' SYNC")

        assert theirs.result().code == 394
        assert (other.text, own.text) == ("", "waiting\tof-analyst\tanalyst\t\n")
        assert not owners.done()
        engine.ask("KILL QUERY WHERE query_id = 'of-owner'")
        assert owners.result().code == 394


def test_nothing_of_a_request_stays_for_the_next(engine: EngineProcess) -> None:
    """Connections are used again; settings, databases and read-only modes are not."""
    names = ("max_execution_time", "max_result_rows", "join_use_nulls", "final", "readonly")
    read = f"SELECT {', '.join(f'getSetting({name!r})' for name in names)}, currentDatabase()"
    fresh = ask(engine, read).text
    settings = (
        {"max_execution_time": "1"}, {"max_result_rows": "5", "final": "1"}, {"readonly": "1"},
        {"join_use_nulls": "1", "database": "default"}, {"session_timezone": "Asia/Tokyo"},
        {"allow_introspection_functions": "1"}, {"no_such": "1"},
    )  # fmt: skip
    for one in settings:
        for sql in (read, "SELECT throwIf(1)", "SELEKT", "SET join_use_nulls = 1"):
            ask(engine, sql, **one)
        assert ask(engine, read).text == fresh
        assert ask(engine, "SELECT toDateTime(0)").text == "1970-01-01 00:00:00\n"


def test_a_session_remembers_what_an_analyst_sets(engine: EngineProcess) -> None:
    """SET and USE, as a server does; the request's own settings win; other sessions see nothing."""
    both = "SELECT getSetting('join_use_nulls'), getSetting('readonly'), currentDatabase()"
    ask(engine, "SET date_time_output_format = 'iso'", session_id="kept")
    ask(engine, "USE fasttrack", session_id="kept")
    ask(engine, "SET join_use_nulls = true, readonly = 1", session_id="kept")
    refused = ask(engine, "SET join_use_nulls = false", session_id="kept")

    assert ask(engine, both, session_id="kept").text == "true\t1\tfasttrack\n"
    assert ask(engine, "SELECT toDateTime(0)", session_id="kept").text.startswith("1970-01-01T")
    assert refused.code == 164
    assert ask(engine, both, session_id="other").text == "false\t0\tfasttrack\n"


@pytest.mark.parametrize("user", ["analyst", "default"])
@pytest.mark.parametrize("value", ["1", "2"])
def test_readonly_can_be_set_as_it_reads(engine: EngineProcess, user: str, value: str) -> None:
    """A client that makes itself read-only may read and not write; results of any size."""
    answer = engine.ask(
        "SELECT number, getSetting('readonly') FROM numbers(300000)", user=user, readonly=value
    )
    column = "SELECT readonly FROM system.settings WHERE name = 'readonly'"

    assert answer.text.count(f"\t{value}\n") == 300_000
    assert engine.ask(column, user=user).text == "0\n"
    for sql in ("CREATE DATABASE x", "INSERT INTO fasttrack_store.t VALUES (9, 'x')"):
        assert engine.ask(sql, user=user, readonly=value).code in (164, 497)


def test_settings_for_writes_may_come_with_a_read(engine: EngineProcess) -> None:
    """As dbt sends them with its first request, before it knows what the user may do."""
    names = ("alter_sync", "insert_distributed_sync", "lightweight_deletes_sync", "mutations_sync")

    assert ask(engine, "SELECT 1", **dict.fromkeys(names, "1")).text == "1\n"


def test_a_setting_inside_a_subquery_lifts_nothing(engine: EngineProcess) -> None:
    """The engine allows no pinned setting to change, at any depth."""
    sql = "SELECT * FROM (SELECT getSetting('max_threads') SETTINGS max_threads = 64)"

    assert ask(engine, sql).text == ask(engine, "SELECT getSetting('max_threads')").text


def test_limits_hold(engine: EngineProcess) -> None:
    """Time and memory; large sorts go to disk instead."""
    busy = "SELECT sum(sipHash64(number)) FROM numbers(100000000000)"
    greedy = "SELECT length(groupArray(number)) FROM numbers(1000000000)"

    assert ask(engine, busy, max_execution_time="1").code == 159
    assert ask(engine, greedy).code == 241
    assert ask(engine, "SELECT getSetting('max_result_rows')").text == "10000000\n"


def test_names_of_the_storage_stay_hidden(engine: EngineProcess) -> None:
    """The engine's lists show only what may be read."""
    assert ask(engine, "SHOW DATABASES").text == "fasttrack\n"
    hidden = "SELECT count() FROM system.{} WHERE database = 'fasttrack_store'"
    assert ask(engine, hidden.format("tables")).text == "0\n"
    assert ask(engine, hidden.format("columns")).text == "0\n"


def test_an_analyst_can_sign_in_before_the_views_exist(engine: EngineProcess) -> None:
    """Only a database the client names must exist."""
    engine.ask("RENAME DATABASE fasttrack TO elsewhere")
    try:
        assert ask(engine, "SELECT version()").status == 200
        assert ask(engine, "SELECT 1", database="fasttrack").code == 81
    finally:
        engine.ask("RENAME DATABASE elsewhere TO fasttrack")


def test_syntax_errors_are_reported_as_such(engine: EngineProcess) -> None:
    """A typing mistake is not an access violation."""
    answer = ask(engine, "SELEKT 1")

    assert answer.code == 62
    assert "SELEKT" in answer.text
