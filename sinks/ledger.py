"""The ledger entry: what became of the records in a range of offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

MILLISECONDS: Final = pa.timestamp("ms", "UTC")


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


_NUMBERS: Final = (
    "first",
    "last",
    "stored",
    "duplicates",
    "conflicts",
    "rejected",
    "moved",
    "generation",
)
_TEXTS: Final = ("topic", "incarnation", "token", "worker")
_TIMES: Final = ("first_appended", "last_appended")


def ledger_rows(entries: Sequence[LedgerEntry]) -> pa.Table:
    """The entries as rows of the table `ledger`."""

    def column(name: str, kind: pa.DataType) -> pa.Array:
        return pa.array([getattr(entry, name) for entry in entries], kind)

    return pa.table(
        {
            **{name: column(name, pa.string()) for name in _TEXTS},
            "partition": column("partition", pa.int32()),
            **{name: column(name, pa.int64()) for name in _NUMBERS},
            **{
                f"{name}_at": column(f"{name}_ms", pa.int64()).cast(MILLISECONDS) for name in _TIMES
            },
        }
    )
