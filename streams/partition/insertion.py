"""Stores the rows of an insert, and looks for them when an attempt had no answer.

ClickHouse notes the token of an insert before its part is there (MergeTreeSink, plain MergeTree).
Killed in between, it takes the same insert made again for done and stores nothing. So the answer to
a first try is believed; after a try without an answer the rows are looked for.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pyarrow as pa

from sinks.bisect import Inserter, store_all
from streams.fetch.fetched_batch import Partition
from streams.recovery.holes import RowFinder, searched_since
from streams.recovery.recovery_offset import already_stored


class InsertingStore(Inserter, RowFinder, Protocol):
    """The part of a store that is needed here."""


class Insertion:
    """The rows of one insert batch on their way into *table*.

    *rows* have ascending `_offset`s and their `_appended_at`.
    """

    def __init__(  # noqa: PLR0913 - source, target and rows
        self,
        store: InsertingStore,
        table: str,
        partition: Partition,
        rows: pa.Table,
        *,
        token: str,
        incarnation: str = "",
    ) -> None:
        self._store = store
        self._table = table
        self._partition = partition
        self._incarnation = incarnation
        self._rows = rows
        self._token = token
        self._tries_with_token = 0
        self._refused: set[int] = set()

    async def attempt(self) -> set[int]:
        """Store the rows except those ClickHouse refuses; returns the offsets of these.

        Raises:
            Retryable, MisconfiguredError: the outcome is unknown; call it again.
        """
        while self._rows.num_rows:
            self._tries_with_token += 1
            positions = await store_all(self._store, self._table, self._rows, token=self._token)
            offsets = self._rows.column("_offset")
            self._refused |= {offsets[row].as_py() for row in positions}
            if self._tries_with_token == 1:
                break
            self._rows = await self._missing()
            # The old token may stand for other rows than these.
            self._token += "+"
            self._tries_with_token = 0
        return self._refused

    async def _missing(self) -> pa.Table:
        """The rows that the store does not show, without those it refused."""
        offsets = self._rows.column("_offset").to_numpy()
        appended_ms = self._rows.column("_appended_at").cast(pa.int64()).to_numpy()
        stored = await self._store.stored_offsets(
            self._table,
            *self._partition,
            first=int(offsets[0]),
            since=searched_since(int(appended_ms.min())),
            incarnation=self._incarnation,
        )
        there = already_stored(offsets, appended_ms, stored)
        refused = np.isin(offsets, list(self._refused))
        return self._rows.take(np.flatnonzero(~there & ~refused))
