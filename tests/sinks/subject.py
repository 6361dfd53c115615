"""How the contract tests look into a store: the fake in memory, or the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from clickhouse_connect.driver.client import Client

from sinks.store import Store
from tests.sinks.memory import MemoryStore

COORDINATE = ("topic", "partition", "offset", "raw")


class Subject(Protocol):
    """A store under test."""

    store: Any

    def logins(self, tenant: str) -> list[tuple[str, int]]:
        """Id and offset of the tenant's logins, one per id, by id."""

    def kept(self, table: str, tenant: str) -> list[tuple[Any, ...]]:
        """The tenant's rows of `conflicts` or `rejected`: topic, partition, offset, raw text."""


@dataclass
class MemorySubject:
    """The fake."""

    store: MemoryStore

    def logins(self, tenant: str) -> list[tuple[str, int]]:
        """As the view shows them."""
        rows = [row for row in self.store.rows("login") if row["tenant"] == tenant]
        return sorted((row["_id"], row["_offset"]) for row in rows)

    def kept(self, table: str, tenant: str) -> list[tuple[Any, ...]]:
        """As the view shows them."""
        rows = [row for row in self.store.kept(table) if row["tenant"] == tenant]
        return sorted(tuple(row[name] for name in COORDINATE) for row in rows)


@dataclass
class ClickHouseSubject:
    """The real one."""

    store: Store
    sql: Client

    def logins(self, tenant: str) -> list[tuple[str, int]]:
        """As FINAL shows them, which the view uses."""
        return self._rows(
            "SELECT _id, _offset FROM fasttrack_store.login FINAL "
            "WHERE tenant = {tenant:String} ORDER BY _id",
            tenant,
        )

    def kept(self, table: str, tenant: str) -> list[tuple[Any, ...]]:
        """As the view shows them."""
        columns = ", ".join(COORDINATE)
        return self._rows(
            f"SELECT {columns} FROM fasttrack.{table} "
            f"WHERE tenant = {{tenant:String}} ORDER BY {columns}",
            tenant,
        )

    def _rows(self, query: str, tenant: str) -> list[tuple[Any, ...]]:
        result = self.sql.query(query, parameters={"tenant": tenant})
        return [tuple(row) for row in result.result_rows]
