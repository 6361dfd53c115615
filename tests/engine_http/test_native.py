"""Native blocks are rewritten for clients of a newer protocol without changing a value."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from engine_http.engine.errors import ClickHouseError
from engine_http.results.native import weave, woven
from engine_http.results.native_types import varint
from tests.engine_http.process import EngineProcess

INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
EVERY_TYPE = """
SELECT number::UInt64 AS a, -number::Int8 AS b, toString(number * number) AS c,
  repeat('x', number % 300) AS d, toLowCardinality(toString(number % 3)) AS e,
  if(number % 2 = 0, NULL, toNullable(number)) AS f, range(number % 5) AS g,
  [[toString(number)], []] AS h, map('k', number, 'l', 1) AS i, (number, 'x', [1, 2]) AS j,
  CAST((number, 'y'), 'Tuple(a UInt64, `b c` String)') AS k, toDecimal32(1, 2) AS l,
  toDecimal128(number, 18) AS m, toDecimal256(1, 40) AS n, toDateTime64(0, 3, 'UTC') AS o,
  toDate(1) AS p,
  toLowCardinality(toNullable(toString(number % 2))) AS q,
  arrayMap(x -> toLowCardinality(toString(x)), range(number % 4)) AS r,
  toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0') AS s, toFixedString('ab', 3) AS t,
  toIPv4('127.0.0.1') AS u, true AS v,
  CAST('a', 'Enum8(''a'' = 1, ''b(,'' = 2)') AS w, [] AS x, INTERVAL 1 DAY AS y,
  (1.5, 2.5)::Point AS z, toFloat32(1) AS aa, NULL AS ab
FROM numbers({rows})
"""


@pytest.mark.parametrize("rows", [1, 1000, 150_000])
def test_clickhouse_go_gets_info_and_flags_around_the_same_bytes(
    engine: EngineProcess, rows: int
) -> None:
    """Each block gains its info and a zero at each column; nothing else changes."""
    sql = EVERY_TYPE.format(rows=rows)
    plain = {"default_format": "Native", "max_threads": "1"}
    old = engine.ask(sql, plain).body
    new = engine.ask(sql, plain, client_protocol_version="54460").body

    expected, used = weave(old)

    assert used == len(old)
    assert new == expected
    columns, _ = varint(old, 0)
    blocks = new.count(INFO)
    assert len(new) == len(old) + blocks * (len(INFO) + columns)


ZONED = """
SELECT number AS a, toDateTime(number, 'Europe/Malta') AS b, toString(number) AS c,
  toDateTime(0) AS d, toStartOfDay(toDateTime(0, 'Asia/Kolkata')) AS e,
  toDateTime64(0, 3, 'Europe/Malta') AS f, toNullable(toDateTime(0, 'Europe/Malta')) AS g,
  [toDateTime(0, 'Europe/Malta')] AS h, toDateTime({at:Int32}, {zone:String}) AS i
FROM numbers({n:UInt32})
"""
ZONES = ["b", "DateTime('Europe/Malta')"], ["e", "DateTime('Asia/Kolkata')"]


@pytest.mark.parametrize(
    "version", [None, "0", "54058", "54337", "54405", "54453", "54454", "54483"]
)
@pytest.mark.parametrize("rows", [0, 1, 200_000])
def test_a_time_keeps_its_zone_at_every_version(
    engine: EngineProcess, version: str | None, rows: int
) -> None:
    """Also as a column's whole type, where the engine itself leaves it out."""
    arguments = {"client_protocol_version": version} if version else {}
    answer = engine.ask(
        f"{ZONED} -- a comment", arguments, user="analyst", default_format="Native",
        param_n=str(rows), param_at="0", param_zone="America/New_York",
    )  # fmt: skip

    assert answer.status == 200, answer.text
    if rows:
        assert answer.body.count(b"DateTime('Asia/Kolkata')") >= 1
        for name, kind in [*ZONES, ["i", "DateTime('America/New_York')"], ["d", "DateTime"]]:
            assert b"%c%s%c%s" % (len(name), name.encode(), len(kind), kind.encode()) in answer.body


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT toDateTime(0, 'Europe/Malta') AS b FORMAT Native",
        "SELECT toDateTime(0, 'Europe/Malta') AS b FORMAT Native SETTINGS max_threads = 1",
        "SELECT toDateTime(0, 'Europe/Malta') AS b SETTINGS max_threads = 1 FORMAT Native",
        "WITH 1 AS x SELECT toDateTime(x, 'Europe/Malta') AS b FORMAT Native",
        "FROM (SELECT 1) SELECT toDateTime(0, 'Europe/Malta') AS b FORMAT Native",
        "(SELECT toDateTime(0, 'Europe/Malta') AS b) UNION ALL (SELECT b FROM zoned) FORMAT Native",
        "SELECT b FROM zoned FORMAT Native",
    ],
)
def test_a_zone_is_found_however_a_statement_is_written(engine: EngineProcess, sql: str) -> None:
    """Clauses before and after FORMAT, expressions, unions, a session's temporary table."""
    session = {"session_id": "zoned"} if "zoned" in sql else {}
    if session:
        engine.ask(
            "CREATE TEMPORARY TABLE zoned AS SELECT toDateTime(0, 'Europe/Malta') AS b", session
        )

    assert b"\x01b\x18DateTime('Europe/Malta')" in engine.ask(sql, session).body


async def test_blocks_may_be_cut_anywhere(engine: EngineProcess) -> None:
    """The chunks of a pipe may end anywhere."""
    sql = EVERY_TYPE.format(rows=500)
    data = (await asyncio.to_thread(engine.ask, sql, default_format="Native")).body
    cut = random.Random(7)  # noqa: S311

    async def chunks() -> AsyncIterator[bytes]:
        position = 0
        while position < len(data):
            size = cut.randint(1, 5000)
            yield data[position : position + size]
            position += size

    assert b"".join([part async for part in woven(chunks())]) == weave(data)[0]


async def test_a_truncated_result_is_an_error() -> None:
    """A block without its end is not sent as if it were complete."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"\x01\x02\x01a\x06UInt64\x00"

    with pytest.raises(ClickHouseError, match="cut off"):
        [part async for part in woven(chunks())]


def test_a_type_without_fixed_layout_is_an_error(engine: EngineProcess) -> None:
    """An error is better than wrong bytes."""
    answer = engine.ask(
        "SELECT sumState(1)", default_format="Native", client_protocol_version="54460"
    )

    assert answer.code == 48
    assert "AggregateFunction" in answer.text
