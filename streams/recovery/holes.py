"""Finds ledger ranges whose rows or conflicts are missing in the store.

A store that was restored from a backup knows less than the group's committed offsets say, and its
tables were not saved in the same moment: the ledger may be ahead of the rows. So a range counts as
done only if as many of its offsets have a row, or a conflict, as it says; other ranges are done
again. The ranges past the committed offset are checked, and some before it; further back only as
long as something is missing there, so the cost does not grow with the table. `railhead reconcile`
checks all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

import numpy as np

from sinks.ledger import CLOCK_SLACK_MS, LedgerEntry
from streams.fetch.fetched_batch import Partition

# How far before the committed offset rows are looked for.
LOOK_BACK_OFFSETS: Final = 50_000
# How many offsets are read at once; each takes some dozen bytes meanwhile.
AT_ONCE_OFFSETS: Final = 200_000
# A dead letter that was written again is another record but the same row.
MERGED_TABLE: Final = "rejected"
CONFLICTS: Final = "conflicts"


class RowFinder(Protocol):
    """The part of the store that is needed here."""

    async def stored_offsets(  # noqa: PLR0913 - as the store's
        self,
        table: str,
        topic: str,
        partition: int,
        *,
        first: int,
        since: datetime,
        last: int = ...,
        incarnation: str = ...,
    ) -> dict[int, int]:
        """Offsets from *first* to *last* of rows appended at or after *since*, with the time."""


def searched_since(first_appended_ms: int) -> datetime:
    """From which time on to look for rows when the first record was appended at that time."""
    return datetime.fromtimestamp((first_appended_ms - CLOCK_SLACK_MS) / 1000, UTC)


async def short_ranges(
    store: RowFinder,
    table: str,
    partition: Partition,
    ranges: Sequence[LedgerEntry],
    *,
    incarnation: str = "",
) -> list[LedgerEntry]:
    """Those of *ranges*, which ascend, that count more rows or conflicts than there are.

    The rows are those of *table*.
    """
    short: list[LedgerEntry] = []
    group: list[LedgerEntry] = []
    for entry in [*ranges, None]:
        if group and (entry is None or entry.last - group[0].first >= AT_ONCE_OFFSETS):
            lacking: list[LedgerEntry] = []
            for kept_in in (table, CONFLICTS):
                counted = [one for one in group if _expected(one, kept_in)]
                if counted:
                    held = await store.stored_offsets(
                        kept_in,
                        *partition,
                        first=counted[0].first,
                        last=max(one.last for one in counted),
                        since=searched_since(min(one.first_appended_ms for one in counted)),
                        incarnation=incarnation,
                    )
                    lacking += not_held(counted, held, kept_in)
            short += [one for one in group if one in lacking]
            group = []
        if entry is not None:
            group.append(entry)
    return short


def _expected(entry: LedgerEntry, table: str) -> int:
    """How many rows a range must have in *table*, by the ledger."""
    if table == CONFLICTS:
        return entry.conflicts
    return min(entry.stored, 1) if table == MERGED_TABLE else entry.stored


def not_held(
    ranges: Sequence[LedgerEntry], stored: Mapping[int, int], table: str
) -> list[LedgerEntry]:
    """Those of *ranges* that count more rows in *table* than *stored* has, by offset and time.

    Where the rows of several records are merged, only ranges without any row.
    """
    offsets = np.fromiter(sorted(stored), np.int64, len(stored))
    times = np.fromiter((stored[offset] for offset in offsets.tolist()), np.int64, len(stored))
    short = []
    for entry in ranges:
        begin, end = np.searchsorted(offsets, [entry.first, entry.last + 1])
        within = times[begin:end]
        held = (within >= entry.first_appended_ms) & (within <= entry.last_appended_ms)
        if int(held.sum()) < _expected(entry, table):
            short.append(entry)
    return short


def first_gap(ranges: Sequence[LedgerEntry], *, log_start: int) -> int | None:
    """Where ranges, which ascend, do not join although the broker still has what lies between."""
    end = None
    for entry in ranges:
        if end is not None and entry.first > end and entry.first > log_start:
            return max(end, log_start)
        end = max(end or 0, entry.last + 1)
    return None
