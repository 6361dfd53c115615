"""ClickHouse's own Python client works with the process as with a server."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from tests.engine_http.process import EngineProcess

AT = dt.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=dt.UTC)
COLUMNS = ["id", "amount", "at", "n", "kind"]
ROW = ["1", decimal.Decimal("0.100000000000000001"), AT, None, "casino"]


@pytest.fixture(params=[False, "lz4", "zstd", "gzip"])
def client(engine: EngineProcess, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The client as most people configure it, with and without compression."""
    made = clickhouse_connect.get_client(host="127.0.0.1", port=engine.port, compress=request.param)
    yield made
    made.close()


@pytest.fixture
def plain(engine: EngineProcess) -> Iterator[Any]:
    """The client with its defaults."""
    made = clickhouse_connect.get_client(host="127.0.0.1", port=engine.port)
    yield made
    made.close()


def test_native_insert_and_query_keep_every_digit(client: Any, table: str) -> None:
    """Decimals, times and nulls come back as they went in."""
    summary = client.insert(
        table, [ROW], column_names=COLUMNS, settings={"insert_deduplication_token": "1"}
    )
    found = client.query(f"SELECT * FROM {table}", tz_mode="aware").result_rows

    assert summary.written_rows == 1
    assert found == [("1", ROW[1], AT, None, "casino")]


def test_parameters_are_bound_by_the_server(plain: Any) -> None:
    """Quotes, lists and times in parameters."""
    sql = "SELECT {a:String}, {b:Array(Int32)}, {c:DateTime64(3, 'UTC')}"
    found = plain.query(sql, parameters={"a": "x'y\\\n\t", "b": [1, 2], "c": AT}).result_rows

    assert found[0][:2] == ("x'y\\\n\t", [1, 2])


def test_large_results_stream(plain: Any) -> None:
    """Row blocks, data frames and Arrow."""
    sql = "SELECT number, toString(number) AS text FROM numbers(1000000)"
    with plain.query_row_block_stream(sql) as blocks:
        assert sum(len(block) for block in blocks) == 1_000_000
    with plain.query_arrow_stream(sql) as batches:
        assert sum(batch.num_rows for batch in batches) == 1_000_000
    with plain.query_df_stream(sql) as frames:
        assert sum(len(frame) for frame in frames) == 1_000_000


def test_error_in_the_middle_of_a_stream_raises(plain: Any) -> None:
    """A truncated result is never taken for a complete one."""
    sql = "SELECT throwIf(number = 2900000), number FROM numbers(3000000)"
    with (
        pytest.raises(StreamFailureError, match="395"),
        plain.query_row_block_stream(sql, settings={"max_block_size": 10_000}) as blocks,
    ):
        sum(len(block) for block in blocks)


def test_arrow_and_raw_inserts(plain: Any, table: str) -> None:
    """insert_arrow, insert_df and raw_insert, compressed and not."""
    plain.insert_arrow(table, pa.table({"id": ["arrow"], "kind": ["x"]}))
    plain.insert_df(table, pa.table({"id": ["frame"]}).to_pandas())
    plain.raw_insert(table, ["id"], b'{"id":"raw"}\n', fmt="JSONEachRow")

    assert plain.query(f"SELECT id FROM {table} ORDER BY id").result_columns == [
        ["arrow", "frame", "raw"]
    ]


def test_errors_keep_their_codes(plain: Any) -> None:
    """The client's exception names the engine's code."""
    with pytest.raises(DatabaseError, match="code: 115"):
        plain.query("SELECT 1", settings={"no_such": 1})
    with pytest.raises(DatabaseError, match="code: 60"):
        plain.command("SELECT * FROM nowhere")


def test_analyst_signs_in_and_sees_the_views(engine: EngineProcess) -> None:
    """The handshake needs nothing that is denied to the analyst."""
    client = clickhouse_connect.get_client(
        host="127.0.0.1", port=engine.port, username="analyst", database="fasttrack"
    )

    assert client.query("SELECT a FROM t ORDER BY a").result_columns == [[1, 2]]
    assert client.query_df("SELECT * FROM t").shape == (2, 2)
    assert client.command("SHOW TABLES") == "t"
    client.close()


async def test_async_client_runs_statements_side_by_side(engine: EngineProcess, table: str) -> None:
    """Inserts, queries and streams of one client at the same time."""
    client = await clickhouse_connect.get_async_client(
        host="127.0.0.1", port=engine.port, autogenerate_session_id=False
    )
    inserts = (client.insert(table, [[str(n)]], column_names=["id"]) for n in range(20))
    queries = (client.query("SELECT {x:Int32}", parameters={"x": n}) for n in range(20))
    _, answers = await asyncio.gather(asyncio.gather(*inserts), asyncio.gather(*queries))

    assert [answer.result_rows for answer in answers] == [[(n,)] for n in range(20)]
    assert (await client.query(f"SELECT count() FROM {table}")).result_rows == [(20,)]
    stream = await client.query_row_block_stream("SELECT number FROM numbers(500000)")
    async with stream:
        assert sum([len(block) async for block in stream]) == 500_000
    await client.close()
