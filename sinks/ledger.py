"""The ledger entry: what became of the records in a range of offsets, and which ranges count."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from typing import Final

import pyarrow as pa

MILLISECONDS: Final = pa.timestamp("ms", "UTC")
# Append times of one partition ascend, but a broker's clock may be set back a little.
CLOCK_SLACK_MS: Final = 600_000


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """The outcomes of the records at offsets `first` to `last` of one partition, both included.

    `generation` is that of the consumer group, `token` the insert's deduplication token; times are
    the broker's append times of the earliest and latest record, in milliseconds since 1970.
    `incarnation` is the topic's id, empty if it is not known.
    """

    topic: str
    partition: int
    first: int
    last: int
    stored: int
    duplicates: int
    conflicts: int
    rejected: int
    generation: int
    token: str
    worker: str
    first_appended_ms: int
    last_appended_ms: int
    moved: int = 0
    incarnation: str = ""


def counting(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """Those of a partition's ranges that count, ascending.

    A range gives way to each range of a higher generation that it overlaps: a worker that was
    paused past its session may write it late. The view `ledger` has the same rule in SQL.
    """
    kept: list[LedgerEntry] = []
    firsts: list[int] = []  # where the ranges of higher generations begin and end
    lasts: list[int] = []
    ranked = sorted(entries, key=lambda entry: -entry.generation)
    for _, group in groupby(ranked, key=lambda entry: entry.generation):
        rivals = list(group)
        # As many begin up to its end as end before its beginning: none lies in between.
        kept += [
            one for one in rivals if bisect_right(firsts, one.last) == bisect_left(lasts, one.first)
        ]
        firsts = sorted([*firsts, *(one.first for one in rivals)])
        lasts = sorted([*lasts, *(one.last for one in rivals)])
    return sorted(kept, key=lambda entry: (entry.first, entry.last))


# By the annotation of a field of an entry; the numbers of partitions are smaller.
_KINDS: Final = {"str": pa.string(), "int": pa.int64()}


def ledger_rows(entries: Sequence[LedgerEntry]) -> pa.Table:
    """The entries as rows of the table `ledger`."""
    columns: dict[str, pa.Array] = {}
    for one in fields(LedgerEntry):
        column = pa.array([getattr(entry, one.name) for entry in entries], _KINDS[str(one.type)])
        if one.name.endswith("_ms"):
            columns[f"{one.name.removesuffix('_ms')}_at"] = column.cast(MILLISECONDS)
        else:
            columns[one.name] = column.cast(pa.int32()) if one.name == "partition" else column
    return pa.table(columns)
