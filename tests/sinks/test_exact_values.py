"""What an event holds comes out of its view digit by digit."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from sinks.settings import StoreSettings
from sinks.store import Store
from tests.sinks.rows import NS, logins, replace, sports_bets


async def store(settings: StoreSettings, table: str, rows: pa.Table) -> None:
    """Insert *rows* under a token of their own."""
    target = Store(settings)
    await target.insert(table, rows, token=uuid.uuid4().hex)
    await target.close()


def texts(sql: Client, view: str, expression: str, tenant: str) -> list[Any]:
    """What ClickHouse prints for *expression*, in order of user_id."""
    query = (
        f"SELECT toString({expression}) FROM fasttrack.{view} "
        "WHERE tenant = {tenant:String} ORDER BY user_id"
    )
    return [row[0] for row in sql.query(query, parameters={"tenant": tenant}).result_rows]


async def test_amounts_keep_all_38_digits(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """The largest, the smallest and the negative amount come out as they went in."""
    amounts = [
        "99999999999999999999.999999999999999999",
        "-99999999999999999999.999999999999999999",
        "0.000000000000000001",
        "0",
    ]
    rows = sports_bets(tenant, [{"amount": Decimal(text)} for text in amounts])

    await store(settings, "sports_bet", rows)

    assert texts(sql, "sports_bet", "amount", tenant) == amounts


async def test_sums_of_the_largest_amounts_do_not_overflow(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """Sums go through 76 digits."""
    most = Decimal("99999999999999999999.999999999999999999")
    rows = sports_bets(tenant, [{"amount": most, "type": "Bet", "status": "Approved"}] * 3)

    await store(settings, "sports_bet", rows)

    assert texts_of_sums(sql, tenant) == ["299999999999999999999.999999999999999997"]


def texts_of_sums(sql: Client, tenant: str) -> list[Any]:
    """Stakes as ClickHouse prints them."""
    query = "SELECT toString(stakes) FROM fasttrack.sports_daily WHERE tenant = {tenant:String}"
    return [row[0] for row in sql.query(query, parameters={"tenant": tenant}).result_rows]


async def test_instants_keep_their_nanoseconds(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """From the first to the last instant the contract's check lets through."""
    instants = {
        -2_208_988_800_000_000_000: "1900-01-01 00:00:00.000000000",
        -1: "1969-12-31 23:59:59.999999999",
        1_736_942_400_123_456_789: "2025-01-15 12:00:00.123456789",
        9_223_286_399_999_999_999: "2262-04-10 23:59:59.999999999",
    }
    ids = [str(number) for number in range(len(instants))]
    rows = logins(tenant, ids, range(len(ids)))
    rows = replace(rows, "user_id", pa.array(ids))
    rows = replace(rows, "timestamp", pa.array(list(instants)).cast(NS))

    await store(settings, "login", rows)

    assert texts(sql, "login", "timestamp", tenant) == list(instants.values())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\0b",
        "\N{ROMAN NUMERAL ONE}\u0301",
        "👩‍👩‍👧",
        "'; DROP TABLE",
        "\\N",
        "\n\t",
        "x" * 512,
    ],
)
async def test_texts_keep_every_byte(
    settings: StoreSettings, sql: Client, tenant: str, text: str
) -> None:
    """Ids and names are not trimmed, normalised or cut."""
    await store(settings, "login", logins(tenant, [text], [1]))

    rows = sql.query(
        "SELECT unique_id FROM fasttrack.login WHERE tenant = {tenant:String}",
        parameters={"tenant": tenant},
    ).result_rows
    assert [tuple(row) for row in rows] == [(text,)]


async def test_ids_that_differ_in_case_or_form_are_two(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """An id is its bytes."""
    ids = ["a", "A", "é", "e\u0301"]

    await store(settings, "login", logins(tenant, ids, range(4)))

    assert len(texts(sql, "login", "unique_id", tenant)) == 4


async def test_what_was_not_sent_is_null(settings: StoreSettings, sql: Client, tenant: str) -> None:
    """Null and absent are NULL, not a default."""
    await store(settings, "sports_bet", sports_bets(tenant, [{"odds": None, "bets": None}]))

    rows = sql.query(
        "SELECT odds, total_odds, bets, entry_timestamp FROM fasttrack.sports_bet "
        "WHERE tenant = {tenant:String}",
        parameters={"tenant": tenant},
    ).result_rows
    assert [tuple(row) for row in rows] == [(None, None, None, None)]
