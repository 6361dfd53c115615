"""Fills the list columns of rows that were stored before these columns existed.

A row is read from its JSON text by the check's own rules and written again with its lists, under a
version one higher, so that it takes the old one's place whatever order they are merged in. Progress
is in the rows themselves: a run that died is continued by the next, and two at once do no harm. A
row whose text is no list of the contract stays, with an empty list.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver.client import Client

import failpoints
from events.check.columnar.lists import (
    NOT_READ,
    UNREADABLE,
    list_fields,
    read_lists,
    state_name,
    types_with_lists,
)
from events.contract.fields import Field
from sinks.arrow import encode
from sinks.store import ARROW_SETTINGS

# With the largest bet slips a batch is as large as a worker's insert may be.
BATCH_ROWS: Final = 5_000
_INSERT_SETTINGS: Final = {
    "async_insert": 0,
    "insert_deduplicate": 0,
    "max_partitions_per_insert_block": 0,
    "input_format_null_as_default": 0,
}


def fill_lists(client: Client) -> Iterator[str]:
    """Fill the rows that lack their lists, yielding what was done for each table that had some.

    Raises:
        clickhouse_connect's errors; run it again.
    """
    for event_type in types_with_lists():
        for field in list_fields(event_type):
            filled, unreadable = _fill(client, event_type.table, field)
            if filled:
                yield f"filled {field.name} of {filled:,} rows of {event_type.table}" + (
                    f"; in {unreadable:,} it is no list of the contract" if unreadable else ""
                )


def count_unfilled(client: Client) -> dict[str, int]:
    """How many rows of each table are still to be filled; tables without any are left out."""
    found = {}
    for event_type in types_with_lists():
        for field in list_fields(event_type):
            query = (
                f"SELECT count() FROM fasttrack_store.{event_type.table} FINAL "  # noqa: S608
                f"WHERE {_is_unfilled(field)}"
            )
            found[event_type.table] = int(client.query(query).result_rows[0][0])
    return {table: count for table, count in found.items() if count}


def _is_unfilled(field: Field) -> str:
    return f"{state_name(field)} = {NOT_READ} AND {field.name} IS NOT NULL"


def _fill(client: Client, table: str, field: Field) -> tuple[int, int]:
    filled = unreadable = 0
    after = ("", "")
    while (rows := _next_rows(client, table, field, after)).num_rows:
        lists = read_lists(field, rows[field.name].to_pylist())
        for name, array in lists.items():
            rows = rows.set_column(rows.column_names.index(name), name, array)
        _replace(client, table, rows)
        failpoints.passing("migrate.midway")
        filled += rows.num_rows
        unreadable += pc.sum(pc.equal(lists[state_name(field)], UNREADABLE)).as_py()
        after = (rows["tenant"][-1].as_py(), rows["_id"][-1].as_py())
    return filled, unreadable


def _next_rows(client: Client, table: str, field: Field, after: tuple[str, str]) -> pa.Table:
    """The next rows in the key's order that have a list which was not read."""
    query = (
        f"SELECT * FROM fasttrack_store.{table} FINAL "  # noqa: S608 - constants
        "WHERE (tenant, _id) > ({tenant:String}, {id:String}) "
        f"AND {_is_unfilled(field)} "
        f"ORDER BY tenant, _id LIMIT {BATCH_ROWS}"
    )
    return client.query_arrow(
        query, parameters={"tenant": after[0], "id": after[1]}, settings=ARROW_SETTINGS
    )


def _replace(client: Client, table: str, rows: pa.Table) -> None:
    at = rows.column_names.index("_version")
    rows = rows.set_column(at, "_version", pc.add(rows["_version"], pa.scalar(1, pa.uint64())))
    client.raw_insert(
        f"fasttrack_store.{table}",
        column_names=rows.column_names,
        insert_block=bytes(encode(rows.combine_chunks())),
        settings=_INSERT_SETTINGS,
        fmt="ArrowStream",
    )
