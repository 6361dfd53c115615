"""A fake store in memory, with outages on demand, for tests of what writes to the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sinks.arrow import Rows, as_table
from sinks.errors import SinkError
from sinks.ledger import LedgerEntry
from sinks.store import MAX_OFFSET, coordinate_prefix

Row = dict[str, Any]


class MemoryStore:
    """Keeps what a Store would, by the same rules; the contract tests run against both.

    `before_write`, if set, is called with the table's name and the rows before each write; what it
    raises is the write's outcome.
    """

    def __init__(self) -> None:
        self.before_write: Callable[[str, list[Row]], SinkError | None] | None = None
        self._tables: dict[str, list[Row]] = {}
        self._tokens: set[tuple[str, str]] = set()
        self._ledger: dict[tuple[str, int, str, int, int, int, int], LedgerEntry] = {}

    def hold(self, entries: Sequence[LedgerEntry], tables: dict[str, list[Row]]) -> None:
        """Begin with these ranges and rows."""
        self._note(entries)
        self._tables |= tables

    async def connect(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Keeps its rows: a worker that comes back finds them."""

    async def insert(self, table: str, rows: Rows, *, token: str) -> None:
        """Add *rows* unless *token* was used for *table* before."""
        batch = as_table(rows).to_pylist()
        self._raise_for(table, batch)
        if batch and not self.has_token(table, token):
            self.note_token(table, token)
            self._tables.setdefault(table, []).extend(batch)

    def has_token(self, table: str, token: str) -> bool:
        """Whether *token* was used for *table*."""
        return (table, token) in self._tokens

    def note_token(self, table: str, token: str) -> None:
        """Remember *token*, as ClickHouse does before the rows are there; an empty one is none."""
        if token:
            self._tokens.add((table, token))

    async def write_ledger(self, entries: Sequence[LedgerEntry]) -> None:
        """Note finished ranges."""
        self._raise_for("ledger", [])
        self._note(entries)

    async def write_conflicts(self, rows: Rows) -> None:
        """Keep conflicting records."""
        self._add("conflicts", rows)

    async def ledger_ranges(
        self, topic: str, partition: int, *, at_or_past: int
    ) -> list[LedgerEntry]:
        """Ranges that end at or past an offset, ascending."""
        found = [
            entry
            for key, entry in self._ledger.items()
            if key[:2] == (topic, partition) and entry.last >= at_or_past
        ]
        return sorted(found, key=lambda entry: (entry.first, entry.last, entry.generation))

    async def ledger_end(
        self, topic: str, partition: int, *, before: int, incarnation: str = ""
    ) -> int | None:
        """The first offset past the ranges that begin before an offset; None without any."""
        ends = [
            entry.last + 1
            for key, entry in self._ledger.items()
            if key[:2] == (topic, partition)
            and entry.first < before
            and entry.incarnation in {"", incarnation}
        ]
        return max(ends, default=None)

    async def appended_until(self, topic: str, partition: int, *, before: int) -> int | None:
        """The latest append time before an offset, None unless the one before it is known."""
        entries = [
            entry
            for key, entry in self._ledger.items()
            if key[:2] == (topic, partition) and entry.first < before
        ]
        if not any(entry.last >= before - 1 for entry in entries):
            return None
        return max(entry.last_appended_ms for entry in entries)

    async def stored_offsets(
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
        """Offsets from *first* to *last* appended at or after *since*, with their append times."""
        its = coordinate_prefix(table)
        return {
            row[f"{its}offset"]: round(row["_appended_at"].timestamp() * 1000)
            for row in self.inserted(table)
            if (row[f"{its}topic"], row[f"{its}partition"]) == (topic, partition)
            and row.get(f"{its}incarnation", "") in {"", incarnation}
            and first <= row[f"{its}offset"] <= last
            and row["_appended_at"] >= since
        }

    def inserted(self, table: str) -> list[Row]:
        """Every row that was inserted, copies too."""
        return self._tables.get(table, [])

    def rows(self, table: str) -> list[Row]:
        """The rows of an event table as its view shows them: per id the one appended first."""
        winners: dict[tuple[str, str], Row] = {}
        for row in self.inserted(table):
            key = (row["tenant"], row["_id"])
            winners[key] = min(winners.get(key, row), row, key=_seniority)
        return list(winners.values())

    def ledger(self) -> list[LedgerEntry]:
        """All ranges, a zombie's too."""
        return [entry for _, entry in sorted(self._ledger.items())]

    def kept(self, table: str) -> list[Row]:
        """The rows of `conflicts` or `rejected`, once for each coordinate."""
        by_origin = {
            tuple(row.get(name) for name in _ORIGINS[table]): row
            for row in map(_with_report, self.inserted(table))
        }
        return list(by_origin.values())

    def _add(self, table: str, rows: Rows) -> None:
        batch = as_table(rows).to_pylist()
        self._raise_for(table, batch)
        self._tables.setdefault(table, []).extend(batch)

    def _note(self, entries: Sequence[LedgerEntry]) -> None:
        for entry in entries:
            span = (entry.first, entry.last, entry.generation, entry.last_appended_ms)
            self._ledger[entry.topic, entry.partition, entry.incarnation, *span] = entry

    def _raise_for(self, table: str, rows: list[Row]) -> None:
        error = self.before_write(table, rows) if self.before_write else None
        if error is not None:
            raise error


_ORIGINS = {
    "conflicts": ("topic", "partition", "incarnation", "offset", "_appended_at"),
    "rejected": ("tenant", "_report"),
}


def _with_report(row: Row) -> Row:
    """The row with the default that the table derives from its coordinate."""
    place = ("_incarnation", "_partition", "_offset", "_appended_at")
    return {"_report": ":".join(str(row.get(name, "")) for name in place), **row}


def _seniority(row: Row) -> tuple[datetime, int]:
    return row["_appended_at"], row["_offset"]
