"""clickhouse-connect with its default settings: rows, pandas, polars and Arrow."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal

import clickhouse_connect
import polars as pl
import pyarrow as pa
from checks import AMOUNT, OWNER, PORT, USER, check, equal, refused, true

client = clickhouse_connect.get_client(host="127.0.0.1", port=PORT, username=USER)
views = [row[0] for row in client.query("SHOW TABLES FROM fasttrack").result_rows]
LARGE = "SELECT number, toString(number) AS text FROM numbers(500000)"


@check("connect")
def _() -> None:
    true(client.ping())
    true(len(views) >= 17)


@check("rows of every view")
def _() -> None:
    for view in views:
        true(client.query(f"SELECT * FROM fasttrack.{view}").row_count > 0)


@check("pandas reads every view")
def _() -> None:
    for view in views:
        true(len(client.query_df(f"SELECT * FROM fasttrack.{view}")) > 0)
        true(len(client.query_df_arrow(f"SELECT * FROM fasttrack.{view}")) > 0)


@check("polars reads every view")
def _() -> None:
    for view in views:
        frame = client.query_df_arrow(f"SELECT * FROM fasttrack.{view}", dataframe_library="polars")
        true(len(frame) > 0)
        true(len(pl.from_arrow(client.query_arrow(f"SELECT * FROM fasttrack.{view}"))) > 0)


@check("Arrow reads every view")
def _() -> None:
    for view in views:
        true(client.query_arrow(f"SELECT * FROM fasttrack.{view}").num_rows > 0)


@check("Parquet reads every view")
def _() -> None:
    for view in views:
        content = client.raw_query(f"SELECT * FROM fasttrack.{view}", fmt="Parquet")
        true(pl.read_parquet(content).height > 0)


@check("exact amounts")
def _() -> None:
    sql = "SELECT amount FROM fasttrack.casino LIMIT 1"
    equal(client.query(sql).result_rows, [(decimal.Decimal(AMOUNT),)])
    equal(client.query_arrow(sql)["amount"].to_pylist(), [decimal.Decimal(AMOUNT)])
    equal(pl.from_arrow(client.query_arrow(sql))["amount"].to_list(), [decimal.Decimal(AMOUNT)])


@check("times of a zone")
def _() -> None:
    found = client.query("SELECT toDateTime('2025-07-01 12:00:00', 'Europe/Malta')").result_rows
    equal(found[0][0].isoformat(), "2025-07-01T12:00:00+02:00")


@check("parameters")
def _() -> None:
    at = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    sql = (
        "SELECT count() FROM fasttrack.casino WHERE tenant = {t:String} AND timestamp >= "
        "{at:DateTime64(3)} AND user_id IN {users:Array(String)}"
    )
    given = {"t": "acme", "at": at, "users": [f"user-{n}" for n in range(7)]}
    equal(client.query(sql, parameters=given).result_rows, [(240,)])
    equal(client.query("SELECT %(s)s", parameters={"s": "it's\\"}).result_rows, [("it's\\",)])


@check("large results as streams")
def _() -> None:
    with client.query_row_block_stream(LARGE) as blocks:
        equal(sum(map(len, blocks)), 500_000)
    with client.query_df_stream(LARGE) as frames:
        equal(sum(map(len, frames)), 500_000)
    with client.query_arrow_stream(LARGE) as batches:
        equal(sum(batch.num_rows for batch in batches), 500_000)


@check("an error has its code")
def _() -> None:
    refused(60, lambda: client.query("SELECT * FROM fasttrack.nothing"))


@check("settings and a session")
def _() -> None:
    client.command("SET join_use_nulls = 1")
    equal(client.command("SELECT toString(getSetting('join_use_nulls'))"), "true")


@check("the asynchronous client")
def _() -> None:
    async def ask() -> list[int]:
        one = await clickhouse_connect.get_async_client(
            host="127.0.0.1", port=PORT, username=USER, autogenerate_session_id=False
        )
        answers = await asyncio.gather(*(one.query(f"SELECT {n}") for n in range(20)))
        await one.close()
        return [answer.result_rows[0][0] for answer in answers]

    equal(asyncio.run(ask()), list(range(20)))


@check("inserts: rows, pandas, Arrow")
def _() -> None:
    table = "default.connect_client"
    if not OWNER:
        refused(497, lambda: client.raw_insert(table, ["id"], b"1\n", fmt="TSV"))
        return
    client.command(f"CREATE OR REPLACE TABLE {table} (id UInt32, a Decimal(76, 18)) ORDER BY id")
    client.insert(table, [[1, decimal.Decimal(AMOUNT)]], column_names=["id", "a"])
    client.insert_df(table, pa.table({"id": pa.array([2], pa.uint32())}).to_pandas())
    client.insert_arrow(table, pa.table({"id": pa.array([3], pa.uint32())}))
    equal(
        client.query(f"SELECT id, a FROM {table} ORDER BY id").result_columns,
        [[1, 2, 3], [decimal.Decimal(AMOUNT), decimal.Decimal(0), decimal.Decimal(0)]],
    )
    client.command(f"DROP TABLE {table} SYNC")


client.close()
