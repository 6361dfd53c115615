"""How the rows ClickHouse refuses are found, and the others stored."""

from __future__ import annotations

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from sinks.bisect import store_all
from sinks.errors import MisconfiguredError, NonRetryableError, Retryable, SinkError
from sinks.settings import StoreSettings
from sinks.store import Store
from tests.sinks.memory import MemoryStore, Row
from tests.sinks.rows import logins, replace


def poisoned(bad: set[str]) -> MemoryStore:
    """A store that refuses any insert with an id in *bad*."""
    store = MemoryStore()

    def judge(_table: str, rows: list[Row]) -> SinkError | None:
        return NonRetryableError("no", code=117) if bad & {row["_id"] for row in rows} else None

    store.before_write = judge
    return store


def rows_of(count: int) -> pa.Table:
    """Rows whose ids count from 0."""
    return logins("t", [str(number) for number in range(count)], range(count))


@pytest.mark.parametrize(
    ("count", "bad"), [(1, {0}), (2, {1}), (7, {0, 6}), (10, set()), (64, {13}), (9, {3, 4, 5})]
)
async def test_bad_rows_are_found_and_all_others_stored(count: int, bad: set[int]) -> None:
    """Positions come back in order; every other row is there."""
    store = poisoned({str(number) for number in bad})

    refused = await store_all(store, "login", rows_of(count), token="t")

    assert refused == sorted(bad)
    assert {int(row["_id"]) for row in store.rows("login")} == set(range(count)) - bad


async def test_an_outage_in_the_search_loses_no_row() -> None:
    """The search is repeated from its start; what was stored is not stored twice."""
    store = poisoned({"5"})
    refuse = store.before_write
    assert refuse is not None
    calls = 0

    def flaky(table: str, rows: list[Row]) -> SinkError | None:
        nonlocal calls
        calls += 1
        return Retryable("down") if calls == 5 else refuse(table, rows)

    store.before_write = flaky
    with pytest.raises(Retryable):
        await store_all(store, "login", rows_of(8), token="t")

    refused = await store_all(store, "login", rows_of(8), token="t")

    assert refused == [5]
    assert len(store.rows("login")) == 7


async def test_when_all_is_refused_the_table_is_at_fault() -> None:
    """A hundred refusals and nothing stored: held and reported, not dead-lettered."""
    store = poisoned({str(number) for number in range(1000)})

    with pytest.raises(MisconfiguredError, match="the table is at fault"):
        await store_all(store, "login", rows_of(1000), token="t")


async def test_the_engine_refuses_a_row_and_takes_the_rest(
    settings: StoreSettings, sql: Client, tenant: str
) -> None:
    """The same search against ClickHouse: one null where none may be."""
    rows = logins(tenant, list("abcde"), range(5))
    rows = replace(rows, "user_id", pa.array(["u", "u", "u", None, "u"]))
    store = Store(settings)

    refused = await store_all(store, "login", rows, token=tenant)

    await store.close()
    stored = sql.query(
        "SELECT _id FROM fasttrack_store.login WHERE tenant = {tenant:String} ORDER BY _id",
        parameters={"tenant": tenant},
    )
    assert refused == [3]
    assert [row[0] for row in stored.result_rows] == ["a", "b", "c", "e"]
