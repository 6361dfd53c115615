"""The fetched batch: the records of one fetch from one partition, in offset order.

Faust does its work per message (two tasks, an ack and a changelog record each). Delivering a
fetched batch as one message makes that cost negligible; everything after the transport works on
fetched batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

# What a record takes in memory, however little it holds.
RECORD_BYTES = 100

Headers = tuple[tuple[str, bytes], ...]


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.number}]"


@dataclass(frozen=True, slots=True)
class FetchedBatch:
    """Records of one partition with ascending offsets, as parallel columns.

    Offsets may have holes (transaction markers, aborted records, compaction): the records are all
    that a consumer may see from offset `follows`, where the fetch began, to before `end`, where the
    next one begins. There may be none at all, which is worth knowing, too. `appended_ms` is the
    broker's log append time in milliseconds since the epoch, `latest_ms` that of the last record
    batch before `end`, whether or not any of its records is visible. `incarnation` is the id that
    Kafka gave the topic when it was created; empty if the broker has none (before 2.8).
    """

    partition: Partition
    follows: int
    offsets: npt.NDArray[np.int64]
    appended_ms: npt.NDArray[np.int64]
    values: list[bytes | None]
    headers: list[Headers]
    # Where the fetch ended; 0 stands for right after the last record.
    up_to: int = 0
    latest_ms: int = 0
    incarnation: str = ""

    @property
    def end(self) -> int:
        """The first offset after those covered."""
        return self.up_to or self.last + 1

    @property
    def span_ms(self) -> tuple[int, int]:
        """The earliest and the latest append time."""
        # They nearly always ascend; two brokers' clocks may differ where a leader changed.
        times = [int(self.appended_ms.min()), int(self.appended_ms.max())] if len(self) else []
        times += [self.latest_ms] if self.latest_ms or not times else []
        return min(times), max(times)

    @property
    def first(self) -> int:
        """The lowest offset."""
        return int(self.offsets[0])

    @property
    def last(self) -> int:
        """The highest offset."""
        return int(self.offsets[-1])

    def __len__(self) -> int:
        return len(self.values)

    def __bool__(self) -> bool:
        """Always true: to aiokafka and Faust, what is false was not fetched."""
        return True

    @property
    def held_bytes(self) -> int:
        """About what the records take in memory: their values, headers and objects.

        Neighbours that share their headers, as those of one request do, hold them once.
        """
        values = sum(map(len, filter(None, self.values)))
        headers, before = 0, None
        for one in self.headers:
            if one is not before:
                headers += sum(len(name) + len(value or b"") for name, value in one)
                before = one
        return max(values, RECORD_BYTES * len(self)) + headers

    def after(self, offset: int) -> FetchedBatch | None:
        """The part past *offset*, which may hold no record; None when it ends before."""
        if self.end <= offset + 1:
            return None
        start = int(np.searchsorted(self.offsets, offset, side="right"))
        if not start:
            return self
        return replace(
            self,
            follows=offset + 1,
            offsets=self.offsets[start:],
            appended_ms=self.appended_ms[start:],
            values=self.values[start:],
            headers=self.headers[start:],
        )

    def cut(self, count: int) -> tuple[FetchedBatch, FetchedBatch | None]:
        """The first *count* records, at least one, and those after them."""
        if count >= len(self):
            return self, None
        begin = replace(
            self,
            offsets=self.offsets[:count],
            appended_ms=self.appended_ms[:count],
            values=self.values[:count],
            headers=self.headers[:count],
            up_to=0,
            latest_ms=0,
        )
        return begin, self.after(begin.last)

    def only(self, rows: npt.NDArray[np.int64]) -> FetchedBatch | None:
        """The records at the positions *rows*; None when there are none."""
        if not len(rows):
            return None
        wanted = rows.tolist()
        return replace(
            self,
            offsets=self.offsets[rows],
            appended_ms=self.appended_ms[rows],
            values=[self.values[row] for row in wanted],
            headers=[self.headers[row] for row in wanted],
        )


def joined(parts: Sequence[FetchedBatch]) -> FetchedBatch | None:
    """*parts* of one partition, which lie one after the other, as one; None when there are none."""
    if len(parts) < 2:
        return parts[0] if parts else None
    return replace(
        parts[0],
        offsets=np.concatenate([part.offsets for part in parts]),
        appended_ms=np.concatenate([part.appended_ms for part in parts]),
        values=[value for part in parts for value in part.values],
        headers=[headers for part in parts for headers in part.headers],
        up_to=parts[-1].end,
        latest_ms=max(part.span_ms[1] for part in parts),
    )


def without_records(partition: Partition, follows: int, end: int, latest_ms: int) -> FetchedBatch:
    """The fetched batch of a fetch from *follows* to before *end* without any visible record."""
    nothing = np.empty(0, np.int64)
    return FetchedBatch(partition, follows, nothing, nothing, [], [], end, latest_ms)


def batch_of(partition: Partition, records: Sequence[Any], *, follows: int) -> FetchedBatch:
    """Turn aiokafka's consumer records of one partition, fetched from *follows* on, into a batch.

    *records* must not be empty and come in offset order, as `getmany` gives them.
    """
    count = len(records)
    return FetchedBatch(
        partition,
        follows,
        np.fromiter((record.offset for record in records), np.int64, count),
        np.fromiter((record.timestamp for record in records), np.int64, count),
        [record.value for record in records],
        [record.headers for record in records],
    )
