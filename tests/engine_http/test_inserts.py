"""Rows arrive complete, once, and byte for byte."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.engine_http.process import EngineProcess


def test_rows_after_the_format_and_in_the_body_are_the_same(
    engine: EngineProcess, table: str
) -> None:
    """`INSERT … FORMAT` may stand in the URL or in front of the rows."""
    row = '{"id":"1","amount":"0.100000000000000001","at":"2026-01-02 03:04:05.678"}'
    by_url = engine.ask(row, query=f"INSERT INTO {table} FORMAT JSONEachRow")
    by_body = engine.ask(f"INSERT INTO {table} FORMAT JSONEachRow\n{row.replace('1', '2', 1)}")

    assert (by_url.status, by_body.status) == (200, 200)
    assert by_url.summary["written_rows"] == by_body.summary["written_rows"] == 1
    assert engine.value(f"SELECT id, amount, at FROM {table} ORDER BY id") == (
        "1\t0.100000000000000001\t2026-01-02 03:04:05.678\n"
        "2\t0.100000000000000001\t2026-01-02 03:04:05.678"
    )


@pytest.mark.parametrize(
    "text", ["a\n\nb", ";", "'); DROP TABLE x; --", "{x:Int8}", "\u0000\u0001", "ü€😀"]
)
def test_no_value_is_ever_read_as_sql(engine: EngineProcess, table: str, text: str) -> None:
    """Blank lines, semicolons and quotes are data."""
    rows = "\n\n".join(json.dumps({"id": f"{n}{text}"}) for n in range(3))

    assert engine.ask(rows, query=f"INSERT INTO {table} FORMAT JSONEachRow").status == 200
    assert (
        engine.value(
            f"SELECT count() FROM {table} WHERE endsWith(id, {{t:String}})",
            param_t=text.replace("\\", "\\\\").replace("\n", "\\n").replace("\u0000", "\\0"),
        )
        == "3"
    )


def test_all_bytes_pass_in_binary_rows(engine: EngineProcess, table: str) -> None:
    """RowBinary with every byte value in a string."""
    every = bytes(range(256)) * 4
    row = b"\x80\x08" + every  # 1024 as a varint, then the string

    assert engine.ask(row, query=f"INSERT INTO {table} (id) FORMAT RowBinary").status == 200
    assert engine.value(f"SELECT hex(id) FROM {table}") == every.hex().upper()


def test_same_token_stores_once(engine: EngineProcess, table: str) -> None:
    """A retry with its token adds nothing; another token adds."""

    def insert(token: str) -> None:
        answer = engine.ask(
            '{"id":"1"}',
            query=f"INSERT INTO {table} FORMAT JSONEachRow",
            insert_deduplication_token=token,
        )
        assert answer.status == 200

    insert("a")
    insert("a")
    assert engine.value(f"SELECT count() FROM {table}") == "1"
    insert("b")
    assert engine.value(f"SELECT count() FROM {table}") == "2"


def test_a_bad_row_stores_nothing(engine: EngineProcess, table: str) -> None:
    """An insert below a million rows is all or nothing."""
    rows = '{"id":"1"}\n{"id":"2","amount":"not a number"}\n{"id":"3"}'
    answer = engine.ask(rows, query=f"INSERT INTO {table} FORMAT JSONEachRow")

    assert answer.status in (400, 500)
    assert answer.code in (6, 27, 72, 117)
    assert engine.value(f"SELECT count() FROM {table}") == "0"
    assert engine.ask('{"id":"1"}', query=f"INSERT INTO {table} FORMAT JSONEachRow").status == 200


def test_unknown_column_table_and_setting_are_errors(engine: EngineProcess, table: str) -> None:
    """The codes that tell a sink that a retry will not help."""
    column = engine.ask("{}", query=f"INSERT INTO {table} (nothing) FORMAT JSONEachRow")
    missing = engine.ask("{}", query="INSERT INTO nowhere FORMAT JSONEachRow")
    setting = engine.ask("{}", query=f"INSERT INTO {table} FORMAT JSONEachRow", no_such="1")

    assert (column.code, missing.code, setting.code) == (16, 60, 115)


def test_async_inserts_are_stored_before_they_are_acknowledged(
    engine: EngineProcess, table: str
) -> None:
    """The setting is accepted and changes nothing: acknowledged is stored."""
    fast = {"async_insert": "1", "wait_for_async_insert": "0"}
    engine.ask('{"id":"1"}', fast, query=f"INSERT INTO {table} FORMAT JSONEachRow")

    assert engine.value(f"SELECT count() FROM {table}") == "1"


def test_empty_body_stores_nothing_and_is_fine(engine: EngineProcess, table: str) -> None:
    """An insert without rows is not an error."""
    answer = engine.ask(b"", query=f"INSERT INTO {table} FORMAT JSONEachRow")

    assert (answer.status, answer.summary["written_rows"]) == (200, 0)


def test_body_of_32_mib_is_stored_in_one_insert(engine: EngineProcess, table: str) -> None:
    """The largest batch a client may send, uncompressed."""
    row = json.dumps({"id": "x" * 1000}).encode() + b"\n"
    rows = (32 << 20) // len(row)
    answer = engine.ask(
        gzip.compress(row * rows, 1),
        headers={"Content-Encoding": "gzip"},
        query=f"INSERT INTO {table} FORMAT JSONEachRow",
    )

    assert answer.summary["written_rows"] == rows
    assert engine.value(f"SELECT uniqExact(_part) FROM {table}") == "1"


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("WITH 1 AS x INSERT INTO {} (id) FORMAT TSV\n1\n2", 2),
        ("WITH x AS (SELECT 1) INSERT INTO {} (id) VALUES ('1'), ('2')", 2),
        ("WITH 1 AS x INSERT INTO {} (id) SELECT toString(x)", 1),
        ("WITH x AS (SELECT '1' AS id) INSERT INTO {} (id) SELECT id FROM x", 1),
        ("with insert AS (SELECT '1' AS id) insert into {} (id) SELECT id FROM insert", 1),
    ],
)
def test_an_insert_may_begin_with_its_expressions(
    engine: EngineProcess, table: str, sql: str, rows: int
) -> None:
    """`WITH … INSERT` stores its rows and nothing else."""
    answer = engine.ask(sql.format(table))

    assert answer.status == 200, answer.text
    assert engine.value(f"SELECT count(), max(id) IN ('1', '2') FROM {table}") == f"{rows}\t1"


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO {t:Identifier} (id) VALUES ({v:String})",
        "INSERT INTO default.{t:Identifier} (id) VALUES ({v:String})",
        "INSERT INTO {t:Identifier} (id) FORMAT Values ({v:String})",
        "INSERT INTO {t:Identifier} (id) SELECT {v:String}",
        "INSERT INTO {values:Identifier} (id) VALUES (concat({v:String}, ''))",
    ],
)
def test_an_insert_takes_parameters(engine: EngineProcess, table: str, sql: str) -> None:
    """As its table and in its values, which are never read as SQL."""
    name = table.partition(".")[2]
    value = "'); DROP TABLE x --"
    answer = engine.ask(sql, param_t=name, param_values=name, param_v=value)

    assert answer.status == 200, answer.text
    assert engine.value(f"SELECT id FROM {table} FORMAT TSVRaw") == value


def test_values_may_hold_expressions(engine: EngineProcess, table: str) -> None:
    """VALUES is read by the engine's own parser."""
    assert (
        engine.ask(f"INSERT INTO {table} (id, n) VALUES ('a;b', 1 + 1), ('c', NULL)").status == 200
    )
    assert engine.value(f"SELECT n FROM {table} WHERE id = 'a;b'") == "2"
