"""Finds records on another partition than their id's, and builds the records to send there.

An id belongs to one partition of its topic, whichever producer sent it: that of the key TENANT:ID
by Kafka's own partitioner. Only there it can be compared with all others of its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from events.check.result import CheckedType
from events.contract.partitioner import partitions_of_texts
from streams.dedup.index import UNSEEN, DedupIndex
from streams.fetch.fetched_batch import FetchedBatch, Headers
from streams.judge import moved_from
from streams.judge.moved_from import MovedFrom
from streams.judge.outcomes import Candidates
from streams.judge.rows import Origin

Mask = npt.NDArray[np.bool_]

# Workers that do not agree where an id belongs (other tenants files, other numbers of partitions)
# would send its records back and forth: after so many times one is kept where it is.
MOST_TIMES: Final = 3
# A producer's own headers are kept unless a record with them might not fit on the topic.
MOST_HEADER_BYTES: Final = 2**16
_OURS: Final = ("tenant", "received_at", "request_id")


class Move(NamedTuple):
    """A record for another partition of its topic."""

    partition: int
    key: bytes
    value: bytes
    headers: Headers

    @property
    def size_bytes(self) -> int:
        """About what it takes in a batch."""
        return len(self.key) + len(self.value) + _size_of(self.headers) + 32


class Astray(NamedTuple):
    """Of some records: where each belongs, which to send, and how many were sent too often."""

    keys: pa.StringArray
    homes: npt.NDArray[np.int64]
    moving: Mask
    kept: int


def find_astray(
    valid: CheckedType,
    origin: Origin,
    candidates: Candidates,
    dedup_index: DedupIndex,
    partitions: int,
) -> Astray | None:
    """Find the records whose id belongs to another of *partitions*; None if there are none.

    One whose id is already known here is judged here: so was its first occurrence, before records
    were sent on.
    """
    if partitions == 1:
        return None
    whose = pa.array([(run.tenant or "") + ":" for run in origin.runs])
    keys = pc.binary_join_element_wise(whose.take(pa.array(origin.run)), valid.home_id_array, "")
    homes = partitions_of_texts(keys, partitions)
    moving = homes != origin.partition.number
    if not moving.any():
        return None
    rows = np.flatnonzero(moving)
    moving[rows] = ~_known_here(candidates, dedup_index, rows)
    times = np.asarray([run.moved_from.times if run.moved_from else 0 for run in origin.runs])
    too_often = moving & (times[origin.run] >= MOST_TIMES)
    return Astray(keys, homes, moving & ~too_often, int(too_often.sum()))


def _known_here(
    candidates: Candidates, dedup_index: DedupIndex, rows: npt.NDArray[np.int64]
) -> Mask:
    known = dedup_index.look_up(candidates.high[rows], candidates.low[rows])
    own = known.offsets == candidates.offsets[rows]
    inside = candidates.appended_ms[rows] - known.appended_ms <= dedup_index.window_ms
    here: Mask = (known.offsets != UNSEEN) & (own | inside)
    return here


def moves_of(
    fetched: FetchedBatch, valid: CheckedType, origin: Origin, astray: Astray
) -> list[Move]:
    """The records to send: key as the ingest API writes it, value unchanged, and where it lay."""
    rows = np.flatnonzero(astray.moving)
    keys = astray.keys.take(pa.array(rows)).cast(pa.binary()).to_pylist()
    moves = []
    for row, key, partition in zip(rows.tolist(), keys, astray.homes[rows].tolist(), strict=True):
        at = valid.positions[row]
        headers = _headers(fetched.headers[at], origin, row)
        moves.append(Move(partition, key, fetched.values[at] or b"", headers))
    return moves


def _headers(given: Headers, origin: Origin, row: int) -> Headers:
    before = origin.runs[int(origin.run[row])].moved_from
    origin_here = MovedFrom(
        origin.partition.number,
        int(origin.offsets[row]),
        int(origin.appended_ms[row]),
        before.times + 1 if before else 1,
        origin.incarnation,
    )
    kept = [header for header in given or () if header[0] != moved_from.NAME]
    if _size_of(kept) > MOST_HEADER_BYTES:
        # The last of a name counts, as where the record is read.
        ours = dict(kept)
        kept = [
            (name, ours[name]) for name in _OURS if len(ours.get(name) or b"") in range(1, 1024)
        ]
    return (*kept, origin_here.header())


def _size_of(headers: Sequence[tuple[str, bytes]]) -> int:
    return sum(len(name.encode()) + len(value or b"") + 8 for name, value in headers)
