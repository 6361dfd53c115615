"""Rows are found by what their items hold, whatever characters that is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sinks.settings import StoreSettings
from sinks.store import QUERY_BYTES, Store
from tests.sinks.rows import logins

ODD = [
    "a'b", 'a"b', "a\\", "\\'", "a\\'b",
    "%s", "%(tenant)s", "{tenant:String}", "?", "--", "/*", ";",
    "') OR 1 = 1 --", "漢😀é", "a\nb", "a\tb", "\\n", "a\0b", " a ", "a`b", "$$", "NULL",
]  # fmt: skip


@pytest_asyncio.fixture
async def store(settings: StoreSettings) -> AsyncIterator[Store]:
    """The real store."""
    made = Store(settings)
    yield made
    await made.close()


async def test_any_text_finds_its_own_row_and_no_other(store: Store, tenant: str) -> None:
    """What clients send is never part of a statement."""
    offsets = list(range(len(ODD)))
    await store.insert("login", logins(tenant, ODD, offsets), token=tenant)
    await store.insert("login", logins(f"{tenant}2", ODD, offsets), token=f"{tenant}2")

    for offset, text in enumerate(ODD):
        found = await store.rows_with("login", tenant, "unique_id", [text], ["_id", "_offset"])
        assert found.to_pylist() == [{"_id": text, "_offset": offset}]
    found = await store.rows_with("login", tenant, "unique_id", ODD, ["_offset"])
    assert sorted(found.column("_offset").to_pylist()) == offsets


@pytest.mark.parametrize("length", [1, 40, QUERY_BYTES])
async def test_more_than_fits_into_a_query_is_asked_in_parts(
    store: Store, tenant: str, length: int
) -> None:
    """Many values, and long ones; none of them found is an empty table with its columns."""
    ids = [f"id-{number}" for number in range(50)]
    await store.insert("login", logins(tenant, ids, list(range(50))), token=tenant)
    others = [f"{number}" * length for number in range(3_000 if length < 100 else 3)]

    found = await store.rows_with("login", tenant, "unique_id", [*others, *ids], ["_id"])
    none = await store.rows_with("login", tenant, "unique_id", others, ["_id", "timestamp"])

    assert sorted(found.column("_id").to_pylist()) == sorted(ids)
    assert none.num_rows == 0
    assert none.column_names == ["_id", "timestamp"]
