"""Writes rows to ClickHouse, and reads what it already holds.

One insert is one statement and, as it is one block of one month, one part: all of it or nothing. It
carries its token, so that the same insert repeated adds nothing. The class of an error says what
the caller should do (sinks/errors.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
from clickhouse_connect.driver import create_async_client
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import Error as DriverError

from sinks.arrow import Rows, as_table, encode, in_chunks
from sinks.connection import NETWORK_ERRORS, client_arguments, translate
from sinks.ledger import LedgerEntry, ledger_rows
from sinks.settings import StoreSettings

DATABASE: Final = "fasttrack_store"
INSERT_SETTINGS: Final[dict[str, Any]] = {
    # With 1, the default of newer versions, the answer comes before the rows are in a part.
    "async_insert": 0,
    "insert_deduplicate": 1,
    # One block, whatever batches the rows come in: the token then names all of them.
    "min_insert_block_size_rows": 10_000_000,
    "min_insert_block_size_bytes": 4_000_000_000,
    "max_insert_block_size": 10_000_000,
    # Each id is in an insert once: merging its rows with each other would be wasted work (a seventh
    # of the cost of an insert of 10,000 rows).
    "optimize_on_insert": 0,
    # A null in a column without nulls is an error, not the column's default.
    "input_format_null_as_default": 0,
}
LEDGER_COLUMNS: Final = (
    "topic, partition, first, last, stored, duplicates, conflicts, rejected, generation, token, "
    "worker, toUnixTimestamp64Milli(first_appended_at), toUnixTimestamp64Milli(last_appended_at), "
    "moved, incarnation"
)

MAX_OFFSET: Final = 2**63 - 1

# Strings as text, and no dictionaries, whatever the columns' types are.
ARROW_SETTINGS: Final[dict[str, Any]] = {
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_low_cardinality_as_dictionary": 0,
    "output_format_arrow_compression_method": "none",
}
# Most bytes of the values in one query; ClickHouse accepts 256 KiB of text.
QUERY_BYTES: Final = 100_000

# How far back the ledger is searched for the latest append time that it knows.
LOOK_BACK_OFFSETS: Final = 1_000_000


class Store:
    """A worker's ClickHouse; one instance serves all partitions at once.

    Every method may raise Retryable or MisconfiguredError; `insert` and the `write_…` also
    NonRetryableError. A method that raised, or was cut off by a crash, may be called again with the
    same arguments.
    """

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._client: AsyncClient | None = None
        self._connecting = asyncio.Lock()

    async def connect(self) -> None:
        """Connect unless connected; the other methods do so by themselves."""
        async with self._trouble(
            f"connect to {self._settings.url}", self._settings.connect_timeout_seconds * 2
        ):
            await self._connected()

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def insert(self, table: str, rows: Rows, *, token: str) -> None:
        """Store *rows* in *table* of `fasttrack_store`; when it returns they are on disk.

        Columns are matched by name. The same *token* must mean the same rows.
        """
        await self._insert(table, rows, {"insert_deduplication_token": token})

    async def write_ledger(self, entries: Sequence[LedgerEntry]) -> None:
        """Record finished ranges; writing one again changes nothing."""
        await self._insert("ledger", ledger_rows(entries), {})

    async def write_conflicts(self, rows: Rows) -> None:
        """Keep records whose id was seen with other content; writing one again changes nothing."""
        await self._insert("conflicts", rows, {})

    async def ledger_ranges(
        self, topic: str, partition: int, *, at_or_past: int
    ) -> list[LedgerEntry]:
        """Ranges of the ledger that end at or past an offset, ascending; a zombie's too.

        The key and the index on `last` lead to them: the cost does not grow with the ledger.
        """
        query = (
            f"SELECT {LEDGER_COLUMNS} FROM {DATABASE}.ledger FINAL "  # noqa: S608 - constants
            "WHERE topic = {topic:String} AND partition = {partition:Int32} "
            "AND last >= {at_or_past:Int64} ORDER BY first, last, generation"
        )
        parameters = {"topic": topic, "partition": partition, "at_or_past": at_or_past}
        return [LedgerEntry(*row) for row in await self._ledger(query, parameters)]

    async def ledger_end(
        self, topic: str, partition: int, *, before: int, incarnation: str = ""
    ) -> int | None:
        """The first offset past the ranges that begin before an offset.

        Counted are ranges of this *incarnation* of the topic and those that name none. None when no
        range begins before the offset. The key leads to the newest of them.
        """
        query = (
            "SELECT max(last) + 1 FROM ("  # noqa: S608 - constants
            f"SELECT last FROM {DATABASE}.ledger "
            "WHERE topic = {topic:String} AND partition = {partition:Int32} "
            "AND first < {before:Int64} AND incarnation IN ('', {incarnation:String}) "
            "ORDER BY topic DESC, partition DESC, first DESC "
            "LIMIT 100) HAVING count() > 0"
        )
        parameters = {
            "topic": topic,
            "partition": partition,
            "before": before,
            "incarnation": incarnation,
        }
        rows = await self._ledger(query, parameters)
        return int(rows[0][0]) if rows else None

    async def appended_until(self, topic: str, partition: int, *, before: int) -> int | None:
        """The latest append time of what the ledger has before an offset, in milliseconds.

        None unless it has the offset right before it. Only ranges that begin within a million
        offsets of it are searched: the key leads to them.
        """
        query = (
            "SELECT max(last) + 1 >= {before:Int64}, "  # noqa: S608 - constants
            "max(toUnixTimestamp64Milli(last_appended_at)) "
            f"FROM {DATABASE}.ledger "
            "WHERE topic = {topic:String} AND partition = {partition:Int32} "
            "AND first < {before:Int64} AND first >= {from:Int64} HAVING count() > 0"
        )
        parameters = {
            "topic": topic,
            "partition": partition,
            "before": before,
            "from": before - LOOK_BACK_OFFSETS,
        }
        rows = await self._ledger(query, parameters)
        reaches, until = (rows or [(False, None)])[0]
        return until if reaches else None

    async def stored_offsets(  # noqa: PLR0913 - a range of coordinates, and how far back
        self,
        table: str,
        topic: str,
        partition: int,
        *,
        first: int,
        since: datetime,
        last: int = MAX_OFFSET,
        incarnation: str = "",
    ) -> dict[int, int]:
        """Offsets from *first* to *last* whose rows were appended to Kafka at or after *since*.

        Rows of an event table, or of `conflicts`, of this *incarnation* of the topic or of none.
        Each offset comes with its append time in milliseconds, by which the caller tells to which
        incarnation rows that name none belong; of several times the latest counts. Parts whose
        append times end before *since* are skipped; of the others only narrow columns are read.
        """
        its = coordinate_prefix(table)
        query = (
            f"SELECT DISTINCT {its}offset, toUnixTimestamp64Milli(_appended_at) "  # noqa: S608 - constants
            f"FROM {DATABASE}.{table} "
            "PREWHERE _appended_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') "
            f"AND {its}partition = {{partition:Int32}} "
            f"AND {its}offset BETWEEN {{first:Int64}} AND {{last:Int64}} "
            f"WHERE {its}topic = {{topic:String}} "
            f"AND {its}incarnation IN ('', {{incarnation:String}}) "
            "ORDER BY 2"
        )
        parameters = {
            "topic": topic,
            "incarnation": incarnation,
            "partition": partition,
            "first": first,
            "last": last,
            "since": int(since.timestamp() * 1000),
        }
        async with self._trouble(f"read of {table}", self._settings.query_timeout_seconds):
            client = await self._connected()
            answer = await client.raw_query(query, parameters=parameters, fmt="RowBinary")
        pairs = np.frombuffer(answer, "<i8").reshape(-1, 2)
        return dict(pairs.tolist())

    async def rows_with(
        self, table: str, tenant: str, field: str, values: Sequence[str], columns: Sequence[str]
    ) -> pa.Table:
        """The visible rows of *tenant* whose *field* has one of *values*.

        Names of table, field and columns are ours; `columns` are read besides `tenant`.
        """
        query = (
            f"SELECT {', '.join(columns)} FROM {DATABASE}.{table} FINAL "  # noqa: S608 - constants
            f"WHERE tenant = %(tenant)s AND {field} IN %(values)s"
        )
        found: list[pa.Table] = []
        for some in _in_chunks(values):
            parameters = {"tenant": tenant, "values": some}
            async with self._trouble(f"read of {table}", self._settings.query_timeout_seconds):
                client = await self._connected()
                answer = await client.raw_query(
                    query, parameters=parameters, settings=ARROW_SETTINGS, fmt="ArrowStream"
                )
            found.append(pa.ipc.open_stream(answer).read_all())
        return pa.concat_tables(found)

    async def _ledger(self, query: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        async with self._trouble("read of ledger", self._settings.query_timeout_seconds):
            client = await self._connected()
            return (await client.query(query, parameters=parameters)).result_rows

    async def _insert(self, table: str, rows: Rows, settings: dict[str, Any]) -> None:
        batch = as_table(rows)
        if not batch.num_rows:
            return
        body = encode(batch, compression=self._settings.compression)
        async with self._trouble(f"insert into {table}", self._settings.insert_timeout_seconds):
            client = await self._connected()
            await client.raw_insert(
                f"{DATABASE}.{table}",
                column_names=batch.column_names,
                insert_block=in_chunks(body),
                settings={**INSERT_SETTINGS, **settings},
                fmt="ArrowStream",
            )

    async def _connected(self) -> AsyncClient:
        async with self._connecting:
            if self._client is None:
                self._client = await create_async_client(
                    **client_arguments(self._settings),
                    connector_limit=self._settings.connections,
                    connector_limit_per_host=self._settings.connections,
                    send_receive_timeout=_longest_seconds(self._settings),
                )
            return self._client

    @asynccontextmanager
    async def _trouble(self, action: str, deadline_seconds: float) -> AsyncIterator[None]:
        """Limit the time of what is inside, and translate the errors of driver and network."""
        try:
            async with asyncio.timeout(deadline_seconds):
                yield
        except (DriverError, *NETWORK_ERRORS) as error:
            # The driver's own text may quote rows: it must not reach a log in a traceback.
            raise translate(action, error) from None


def coordinate_prefix(table: str) -> str:
    """The prefix of the coordinate's columns in *table*."""
    return "" if table == "conflicts" else "_"


def _in_chunks(values: Sequence[str]) -> Iterator[list[str]]:
    """*values* in chunks that each fit into a query's text; one empty chunk if there are none."""
    chunk: list[str] = []
    size = 0
    for value in values:
        if chunk and size + len(value.encode()) > QUERY_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(value)
        size += 2 * len(value.encode()) + 4
    yield chunk


def _longest_seconds(settings: StoreSettings) -> int:
    """The driver's own timeout: longer than every deadline of ours, so that ours decides."""
    return int(max(settings.insert_timeout_seconds, settings.query_timeout_seconds)) + 10
