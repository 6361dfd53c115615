"""Statements are split where the engine's parser would split them."""

from __future__ import annotations

import pytest

from engine_http.engine.errors import ClickHouseError
from engine_http.statements.statement import Insert, Statement, inspect


@pytest.mark.parametrize(
    ("sql", "head", "rows_format", "data"),
    [
        (b"INSERT INTO t FORMAT JSONEachRow\n{}", b"INSERT INTO t ", "JSONEachRow", b"{}"),
        (b"insert into t format CSV 1,2", b"insert into t ", "CSV", b"1,2"),
        (b"INSERT INTO t (a, b) FORMAT Native", b"INSERT INTO t (a, b) ", "Native", b""),
        (b"INSERT INTO t FORMAT Native\r\n\n\nx", b"INSERT INTO t ", "Native", b"\n\nx"),
        (b"INSERT INTO t VALUES (1); ", b"INSERT INTO t ", "Values", b" (1); "),
        (b"INSERT INTO t FORMAT CSV;", b"INSERT INTO t ", "CSV", b""),
        (
            b"INSERT INTO `format` (`values`) FORMAT CSV\n1",
            b"INSERT INTO `format` (`values`) ",
            "CSV",
            b"1",
        ),
        (b"INSERT INTO values VALUES (1)", b"INSERT INTO values ", "Values", b" (1)"),
        (b"INSERT INTO d.format FORMAT CSV\n1", b"INSERT INTO d.format ", "CSV", b"1"),
        (b"INSERT INTO t (a)", b"INSERT INTO t (a)", None, b""),
        (
            b"INSERT INTO FUNCTION null('a Int8') FORMAT CSV\n1",
            b"INSERT INTO FUNCTION null('a Int8') ",
            "CSV",
            b"1",
        ),
    ],
)
def test_insert_is_split_before_its_rows(
    sql: bytes, head: bytes, rows_format: str | None, data: bytes
) -> None:
    """Rows begin after the format, blanks and one line end, and are never read as SQL."""
    found = inspect(sql)

    assert isinstance(found, Insert)
    assert (found.head, found.format, sql[found.data_at :]) == (head, rows_format, data)


def test_insert_select_brings_no_rows() -> None:
    """INSERT … SELECT is run as it stands."""
    for sql in (
        b"INSERT INTO t SELECT 1",
        b"INSERT INTO t (a) WITH x AS (SELECT 1) SELECT * FROM x",
        b"INSERT INTO t (SELECT 1)",
    ):
        assert isinstance(inspect(sql), Statement)


def test_settings_of_the_statement_win() -> None:
    """Settings from the URL go in front of the ones the INSERT names itself."""
    found = inspect(b"INSERT INTO t SETTINGS a = 1 FORMAT CSV\n")

    assert isinstance(found, Insert)
    assert found.all_settings(b"a = 2") == b"a = 2, a = 1"


@pytest.mark.parametrize(
    ("sql", "verb", "output_format", "output_at"),
    [
        (b"SELECT 1", b"SELECT", None, 8),
        (b" /* x */ select 1 ; ", b"SELECT", None, 9),
        (b"SELECT 1 FORMAT JSON", b"SELECT", "JSON", 9),
        (b"SELECT 1 format JSON SETTINGS a = 1, b = 'x' ;", b"SELECT", "JSON", 9),
        (b"SELECT 1 SETTINGS a = 1 FORMAT Native", b"SELECT", "Native", 24),
        (b"SELECT format FROM (SELECT 1 AS format) FORMAT CSV", b"SELECT", "CSV", 40),
        (b"SELECT 'x FORMAT y'", b"SELECT", None, 19),
        (b"(SELECT 1) UNION ALL SELECT 2", b"(", None, 29),
        (b"SELECT 1 -- FORMAT x", b"SELECT", None, 20),
        (b"SHOW TABLES", b"SHOW", None, 11),
    ],
)
def test_output_clause_is_found_at_the_end(
    sql: bytes, verb: bytes, output_format: str | None, output_at: int
) -> None:
    """FORMAT counts only as the last clause, and INTO OUTFILE goes where it is."""
    found = inspect(sql)

    assert isinstance(found, Statement)
    assert (found.verb, found.format, found.output_at) == (verb, output_format, output_at)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (b"", 62),
        (b"  -- nothing", 62),
        (b"SELECT 1; SELECT 2", 62),
        (b"SELECT 1 INTO OUTFILE '/tmp/x'", 358),
        (b"SELECT 1 into/**/outfile '/tmp/x' FORMAT CSV", 358),
        (b"INSERT INTO t FROM INFILE '/tmp/x' FORMAT CSV", 344),
    ],
)
def test_what_a_server_refuses_over_http_is_refused(sql: bytes, code: int) -> None:
    """Empty texts, several statements, and clauses on the server's files."""
    with pytest.raises(ClickHouseError) as caught:
        inspect(sql)

    assert caught.value.code == code
