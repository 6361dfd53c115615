"""A query reads tables that come with it, in one request, and nothing stays of them."""

from __future__ import annotations

import clickhouse_connect
import pytest
from clickhouse_connect.driver.external import ExternalData

from engine_http.http.external import tables_of
from tests.engine_http.process import Answer, EngineProcess

FORM = {"Content-Type": "multipart/form-data; boundary=x"}


def ask(
    engine: EngineProcess, sql: str, files: dict[str, str], *, user: str, **arguments: str
) -> Answer:
    """Ask with *files* as external data."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n\r\n{content}\r\n'
        for name, content in files.items()
    ]
    body = "".join(parts) + "--x--\r\n"
    return engine.ask(body, {"query": sql, "user": user, **arguments}, headers=FORM)


@pytest.mark.parametrize("user", ["default", "analyst"])
def test_a_query_joins_what_came_with_it(engine: EngineProcess, user: str) -> None:
    """By structure or by types alone, in the formats that clients use."""
    answer = ask(
        engine,
        "SELECT ids.name, t.b, _2 FROM fasttrack.t AS t JOIN ids ON ids.id = t.a "
        "JOIN pairs ON _1 = ids.id ORDER BY ids.id",
        {"ids": "1,x\r\n2,y\r\n", "pairs": "1\t0.5\n2\t1.5\n"},
        user=user,
        ids_structure="id Int32, name LowCardinality(Nullable(String))",
        ids_format="CSV",
        pairs_types="Int32, Decimal(9, 2)",
    )

    assert answer.status == 200, answer.text
    assert answer.text == "x\tone\t0.5\ny\ttwo\t1.5\n"
    assert engine.ask("SELECT 1 FROM ids", {"user": user}).code == 60


@pytest.mark.parametrize("user", ["default", "analyst"])
def test_clickhouse_connect_sends_it(engine: EngineProcess, user: str) -> None:
    """As its users write it; another request's table of that name may have other columns."""
    client = clickhouse_connect.get_client(host="127.0.0.1", port=engine.port, username=user)
    for kind, value in (("UInt8", 7), ("String", "seven")):
        data = ExternalData(
            file_name="data.csv", fmt="CSV", structure=[f"a {kind}"], data=f"{value}\n".encode()
        )

        assert client.query("SELECT a FROM data", external_data=data).result_rows == [(value,)]
    client.close()


def test_in_a_session_nothing_stays(engine: EngineProcess) -> None:
    """The owner's session keeps its own temporary tables, and only these."""
    here = {"session_id": "external"}
    engine.ask("CREATE TEMPORARY TABLE kept (a Int8)", here)
    sql = "SELECT (SELECT sum(_1) FROM sent) + (SELECT count() FROM kept)"

    answers = [
        ask(engine, sql, {"sent": "1\n2\n"}, user="default", sent_types="Int8", **here)
        for _ in range(2)
    ]

    assert [answer.text for answer in answers] == ["3\n", "3\n"]
    assert engine.ask("SELECT count() FROM kept", here).text == "0\n"
    assert engine.ask("SELECT count() FROM sent", here).code == 60


@pytest.mark.parametrize(
    "column",
    [
        "DateTime64(3, 'Europe/Malta')",
        "Enum8('a' = -1, 'it''s' = 2)",
        "Array(Nullable(Decimal(38, 18)))",
        "Map(LowCardinality(String), UInt64)",
        "Tuple(a UInt8, b FixedString(3))",
    ],
)
def test_every_type_of_a_column_may_be_sent(engine: EngineProcess, column: str) -> None:
    """However its arguments are written."""
    answer = ask(engine, "SELECT count() FROM t", {"t": ""}, user="analyst", t_types=column)

    assert (answer.status, answer.text) == (200, "0\n"), answer.text


@pytest.mark.parametrize(
    ("structure", "row_format"),
    [
        ("a Int8 DEFAULT file('/etc/passwd')", "TSV"),
        ("a String MATERIALIZED file('/etc/passwd')", "TSV"),
        ("a String ALIAS getSetting('x')", "TSV"),
        ("a Tuple(b Int8 DEFAULT 1)", "TSV"),
        ("a Int8) ENGINE = File(CSV, '/etc/passwd'", "TSV"),
        ("a Int8) AS SELECT (1", "TSV"),
        ("a", "TSV"),
        ("a Int8,", "TSV"),
        ("a Int8 b", "TSV"),
        ("a Int8(1)(2)", "TSV"),
        ("'a' Int8", "TSV"),
        ("a AggregateFunction(sum, Int8)", "TSV"),
        ("a Int8", "Values"),
        ("a Int8", "Parquet"),
        ("a Int8", "Template"),
        ("a Int8", "TSV SETTINGS x = 1"),
        ("", "TSV"),
    ],
)
def test_columns_are_names_and_types_and_rows_are_values(
    engine: EngineProcess, structure: str, row_format: str
) -> None:
    """The tables are made before the analyst's rights are all that is left."""
    answer = ask(
        engine, "SELECT 1", {"t": "1\n"}, user="analyst", t_structure=structure, t_format=row_format
    )

    assert answer.code == 36, answer.text


def test_an_analyst_reads_nothing_else_with_it(engine: EngineProcess) -> None:
    """The guard and the grants hold as without external data, and so do the limits."""
    for sql in ("SELECT * FROM fasttrack_store.t", "SELECT file('/etc/passwd') FROM sent"):
        assert ask(engine, sql, {"sent": "1"}, user="analyst", sent_types="Int8").status != 200
    large = "1\n" * (1 << 19) + "1\n"
    assert ask(engine, "SELECT 1", {"t": large}, user="analyst", t_types="Int8").code == 229
    nine = {f"t{number}": "1" for number in range(9)}
    types = {f"{name}_types": "Int8" for name in nine}
    assert ask(engine, "SELECT 1", nine, user="analyst", **types).code == 36


def test_wrong_rows_are_an_error(engine: EngineProcess) -> None:
    """As in an INSERT."""
    answer = ask(engine, "SELECT 1", {"t": "x\n"}, user="analyst", t_types="Int8")

    assert answer.status == 400


def test_only_what_describes_a_file_is_taken_out_of_the_arguments() -> None:
    """The rest are settings and parameters."""
    given = [("a_format", "TSV"), ("max_threads", "1")]

    assert tables_of({}, given) == ((), given)


@pytest.mark.parametrize("name", ["a b", "", "1a", "a`"])
def test_a_name_that_no_table_can_have_is_refused(engine: EngineProcess, name: str) -> None:
    """Code 36, as for every description that cannot be used."""
    answer = ask(engine, "SELECT 1", {name: "1"}, user="default", **{f"{name}_types": "Int8"})

    assert answer.code in {36, 115}
