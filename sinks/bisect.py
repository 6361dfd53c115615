"""Finds the rows of an insert that ClickHouse refuses, by halving, and stores the others."""

from __future__ import annotations

from typing import Final, Protocol

import pyarrow as pa

from sinks.arrow import Rows, as_table
from sinks.errors import MisconfiguredError, NonRetryableError

# This many refusals in one insert, and more than rows stored, mean that the table is at fault.
SUSPICIOUS_ROWS: Final = 100


class Inserter(Protocol):
    """The part of a store that is needed here."""

    async def insert(self, table: str, rows: Rows, *, token: str) -> None:
        """Store all of *rows* or raise; see sinks.store.Store."""


async def store_all(store: Inserter, table: str, rows: Rows, *, token: str) -> list[int]:
    """Store *rows* except those ClickHouse refuses; return the refused positions, ascending.

    Halves carry tokens made from *token* and their rows' positions: called again after a crash or
    an error it repeats the same inserts, and what was stored is not stored twice.

    Raises:
        Retryable, MisconfiguredError: as insert does; some rows may be stored. MisconfiguredError
        also when so many rows are refused that the fault cannot be theirs.
    """
    whole = as_table(rows)
    try:
        await store.insert(table, whole, token=token)
    except NonRetryableError as error:
        search = _Halving(store, table, whole, token)
        await search.halve(0, whole.num_rows, error)
        return search.refused
    return []


class _Halving:
    """One search for refused rows."""

    def __init__(self, store: Inserter, table: str, rows: pa.Table, token: str) -> None:
        self._store = store
        self._table = table
        self._rows = rows
        self._token = token
        self._stored = 0
        self.refused: list[int] = []

    async def halve(self, start: int, stop: int, error: NonRetryableError) -> None:
        """Rows *start* to before *stop* were refused together, with *error*."""
        if stop - start == 1:
            self._note(start, error)
            return
        middle = (start + stop) // 2
        for first, end in ((start, middle), (middle, stop)):
            await self._try(first, end)

    async def _try(self, start: int, stop: int) -> None:
        part = self._rows.slice(start, stop - start)
        try:
            await self._store.insert(self._table, part, token=f"{self._token}/{start}-{stop - 1}")
        except NonRetryableError as error:
            await self.halve(start, stop, error)
        else:
            self._stored += stop - start

    def _note(self, position: int, error: NonRetryableError) -> None:
        self.refused.append(position)
        if len(self.refused) >= SUSPICIOUS_ROWS and len(self.refused) > self._stored:
            raise MisconfiguredError(
                f"{len(self.refused)} rows of one insert into {self._table} refused and "
                f"{self._stored} stored: the table is at fault, not the rows; {error}",
                code=error.code,
            )
