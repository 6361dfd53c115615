"""The tables hold what the contract says, and every column says what it is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from events.check.columnar.lists import column_name, list_fields, state_name
from events.contract.fields import Field, FieldKind, fields_of
from events.contract.registry import EVENT_TYPES, EventType

PRECEDING = ["tenant", "_id", "received_at", "request_id", "stored_at"]
FOLLOWING = ["_topic", "_incarnation", "_partition", "_offset", "_appended_at", "_version"]
ADDED = ["tenant", "received_at", "stored_at"]
TYPES = {
    FieldKind.AMOUNT: "Decimal(38, 18)",
    FieldKind.INSTANT: "DateTime64(9, 'UTC')",
    FieldKind.FLAG: "Bool",
}
BUSINESS_VIEWS = {
    "ggr_daily",
    "ggr_gameround_daily",
    "deposits_withdrawals_daily",
    "active_players_daily",
    "sports_daily",
    "sports_bet_legs",
    "player_timeline",
}
KEPT = {"rejected", "rejected_items", "conflicts", "ledger"}


def described(sql: Client, database: str, table: str) -> list[dict[str, Any]]:
    """Columns of a table: name, type, comment."""
    result = sql.query(
        "SELECT name, type, comment FROM system.columns WHERE database = {database:String} "
        "AND table = {table:String} ORDER BY position",
        parameters={"database": database, "table": table},
    )
    return list(result.named_results())


def expected_type(field: Field) -> str:
    """The column type a field of the contract needs; text may be LowCardinality."""
    kind = TYPES.get(field.kind, "String")
    may_be_null = not field.required and field.default is None
    return f"Nullable({kind})" if field.nullable or may_be_null else kind


def listed(event: EventType) -> list[tuple[str, str]]:
    """The columns of what lies in the event's lists of models."""
    return [
        pair
        for field in list_fields(event)
        for pair in [
            (state_name(field), "UInt8"),
            *(
                (column_name(field, inner), f"Array({expected_type(inner)})")
                for inner in fields_of(field.model)
            ),
        ]
    ]


def plain(type_name: str) -> str:
    """The type without LowCardinality, which is about storage only."""
    return re.sub(r"^LowCardinality\((.*)\)$", r"\1", type_name)


@pytest.mark.parametrize("event", EVENT_TYPES, ids=lambda event: event.name)
def test_a_table_has_the_contracts_columns(sql: Client, event: EventType) -> None:
    """A type of the registry without its table, or a field without its column, is named here."""
    fields = [(field.name, expected_type(field)) for field in fields_of(event.model)]

    columns = [
        (column["name"], plain(column["type"]))
        for column in described(sql, "fasttrack_store", event.table)
    ]

    assert [name for name, _ in columns[: len(PRECEDING)]] == PRECEDING
    assert sorted(columns[len(PRECEDING) : -len(FOLLOWING)]) == sorted([*fields, *listed(event)])
    assert [name for name, _ in columns[-len(FOLLOWING) :]] == FOLLOWING


@pytest.mark.parametrize("event", EVENT_TYPES, ids=lambda event: event.name)
def test_a_view_shows_the_contracts_columns_as_the_table_has_them(
    sql: Client, event: EventType
) -> None:
    """Names, types and comments are the table's, but amounts are wider; `_` hides a column."""
    table = {
        column["name"]: {**column, "type": column["type"].replace("(38, 18)", "(76, 18)")}
        for column in described(sql, "fasttrack_store", event.table)
    }
    names = [field.name for field in fields_of(event.model)]

    view = described(sql, "fasttrack", event.table)

    assert sorted(column["name"] for column in view) == sorted([*names, *ADDED])
    assert view == [table[column["name"]] for column in view]


def test_no_view_shows_a_decimal_whose_arithmetic_the_engine_does_not_check(sql: Client) -> None:
    """Sums, products and quotients of stored amounts fit 76 digits; of 38 they wrap silently."""
    narrow = sql.query(
        "SELECT table, name, type FROM system.columns WHERE database = 'fasttrack' "
        "AND type LIKE '%Decimal(%' AND type NOT LIKE '%Decimal(76, 18)%'"
    )

    assert [tuple(row) for row in narrow.result_rows] == []


def test_the_analysts_database_has_these_views_and_no_other(sql: Client) -> None:
    """One for each event type, what was not stored, and the business views."""
    views = {row[0] for row in sql.query("SHOW TABLES FROM fasttrack").result_rows}

    assert views == {event.table for event in EVENT_TYPES} | KEPT | BUSINESS_VIEWS


def test_every_table_view_and_column_has_a_comment(sql: Client) -> None:
    """An analyst needs no other document."""
    silent = sql.query(
        "SELECT database, table, name FROM system.columns "
        "WHERE database IN ('fasttrack', 'fasttrack_store') AND comment = '' "
        "UNION ALL SELECT database, name, '' FROM system.tables "
        "WHERE database IN ('fasttrack', 'fasttrack_store') AND comment = ''"
    )

    assert [tuple(row) for row in silent.result_rows] == []


def test_every_view_can_be_read_with_and_without_final(sql: Client) -> None:
    """Readers need not say FINAL; with it they get the same."""
    for name in sorted(KEPT | BUSINESS_VIEWS | {event.table for event in EVENT_TYPES}):
        sql.query(f"SELECT * FROM fasttrack.{name} LIMIT 1")
        sql.query(f"SELECT * FROM fasttrack.{name} LIMIT 1 SETTINGS final = 1")
    for event in EVENT_TYPES:
        sql.query(f"SELECT * FROM fasttrack.{event.table} FINAL LIMIT 1")


def test_views_are_read_with_their_definers_rights(sql: Client) -> None:
    """A reader of fasttrack needs no right on fasttrack_store."""
    made = sql.query(
        "SELECT name, create_table_query FROM system.tables WHERE database='fasttrack'"
    )

    assert all("SQL SECURITY DEFINER" in statement for _, statement in made.result_rows)


@pytest.mark.parametrize("table", [*(event.table for event in EVENT_TYPES), "rejected"])
def test_tables_remember_tokens_and_force_rows_to_the_disk(sql: Client, table: str) -> None:
    """By default plain MergeTree remembers no token and leaves rows to the page cache."""
    made = sql.command(f"SHOW CREATE TABLE fasttrack_store.{table}")

    assert isinstance(made, str)
    assert "non_replicated_deduplication_window = 10000" in made
    assert "fsync_after_insert = 1" in made
