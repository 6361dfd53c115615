"""An analyst reads the analysts' views and nothing else, with limits nobody can lift."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.clickhouse import attacks
from tests.clickhouse.process import Answer, EngineProcess

ARGUMENTS = {"param_p": "/etc/passwd", "param_n": "1", "param_d": "system"}


def ask(engine: EngineProcess, sql: str, **arguments: str) -> Answer:
    """Ask as the analyst, with the parameters the statements use."""
    return engine.analyst(sql, **{**ARGUMENTS, **arguments})


@pytest.mark.parametrize("sql", attacks.ALLOWED)
def test_ordinary_questions_are_answered(engine: EngineProcess, sql: str) -> None:
    """The guard must not stand in the way of work."""
    answer = ask(engine, sql)

    assert answer.status == 200, answer.text


def test_no_place_of_a_statement_lets_a_function_reach_a_file(engine: EngineProcess) -> None:
    """Wherever an expression may stand, and however the call is written."""
    statements = [place.format(attacks.FILE) for place in attacks.PLACES]
    statements += [f"SELECT {spelling}" for spelling in attacks.SPELLINGS]
    let_through = [sql for sql in statements if ask(engine, sql).status == 200]

    assert let_through == []


def test_nothing_but_the_views_is_a_source(engine: EngineProcess) -> None:
    """Table functions, storage tables, files and inner tables, in three places."""
    places = (
        "SELECT * FROM {}",
        "SELECT (SELECT count() FROM {})",
        "WITH x AS (SELECT * FROM {}) SELECT 1 FROM x",
    )
    statements = [
        place.format(source) for place, source in itertools.product(places, attacks.SOURCES)
    ]
    let_through = [sql for sql in statements if ask(engine, sql).status == 200]

    assert let_through == []


def test_no_statement_changes_anything_or_lifts_a_limit(engine: EngineProcess) -> None:
    """Writes, sessions, several statements, settings, formats that read files."""
    let_through = [sql for sql in attacks.STATEMENTS if ask(engine, sql).status == 200]

    assert let_through == []
    assert not Path("/tmp/railhead-attack").exists()  # noqa: S108
    assert engine.value("SELECT count() FROM fasttrack_store.t") == "2"


def test_no_url_parameter_lifts_a_limit(engine: EngineProcess) -> None:
    """Settings, databases, roles and formats from the URL obey the same rules."""
    let_through = [
        one for one in attacks.URL_SETTINGS if ask(engine, "SELECT 1", **one).status == 200
    ]

    assert let_through == []


def test_a_setting_inside_a_subquery_lifts_nothing(engine: EngineProcess) -> None:
    """The engine applies no pinned setting at any depth."""
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
    """The engine's lists show what may be read."""
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


def test_syntax_errors_are_told_as_such(engine: EngineProcess) -> None:
    """A typing mistake is not an offence."""
    answer = ask(engine, "SELEKT 1")

    assert answer.code == 62
    assert "SELEKT" in answer.text
