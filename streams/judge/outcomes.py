"""Decides the outcome of each record of a fetched batch: stored, duplicate or conflict.

What decides is *where* an id was first seen. The same record delivered again after a crash is seen
at its own offset and is still the first occurrence; the same id at another offset is a repeat. So
remembering an id before its row is stored can never lose the row. In a topic that was recreated,
the same offset is another record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.dedup.blocks import I64, U32, U64, IdBlock
from streams.dedup.index import UNSEEN, DedupIndex, FirstOccurrences


class Outcome(IntEnum):
    """What became of a record: exactly one of these."""

    STORED = 0
    DUPLICATE = 1
    CONFLICT = 2
    REJECTED = 3
    MOVED = 4


class OutcomeCounts(NamedTuple):
    """How many records had each outcome."""

    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    moved: int = 0

    @property
    def records(self) -> int:
        """Records of any outcome."""
        return sum(self)


NOTHING: Final = OutcomeCounts()


def sum_of(counts: Iterable[OutcomeCounts]) -> OutcomeCounts:
    """All *counts* together."""
    return OutcomeCounts(*map(sum, zip(NOTHING, *counts, strict=True)))


@dataclass(frozen=True, slots=True)
class Candidates:
    """The valid records of a fetched batch: hash of (tenant, id), offset, append time, content.

    `incarnation` is that of their topic.
    """

    high: U64
    low: U64
    offsets: I64
    appended_ms: I64
    fingerprints: U32
    incarnation: str = ""

    def __len__(self) -> int:
        return len(self.high)

    def rows(self, rows: npt.NDArray[np.int64]) -> Candidates:
        """Only the given ones."""
        return Candidates(
            self.high[rows],
            self.low[rows],
            self.offsets[rows],
            self.appended_ms[rows],
            self.fingerprints[rows],
            self.incarnation,
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """Outcomes of the candidates, where each id was first seen, and the new ids to remember.

    `first_incarnations` names the topic's incarnation that each of `first_offsets` belongs to, by
    its index in `incarnations`.
    """

    outcomes: npt.NDArray[np.uint8]
    first_offsets: I64
    first_incarnations: I64
    incarnations: Sequence[str]
    new_ids: IdBlock | None


def decide(candidates: Candidates, dedup_index: DedupIndex) -> Decision:
    """Decide each candidate by *dedup_index* and by those before it in the fetched batch.

    A repeat counts within the window: its append time is at most `window_ms` after the first
    occurrence's. Nothing is changed; the caller adds `new_ids` to *dedup_index*. Records known
    there at their own offset are new ids again: the worker that judged them may not have written
    them to the changelog.
    """
    known = dedup_index.look_up(candidates.high, candidates.low)
    expired = candidates.appended_ms - known.appended_ms > dedup_index.window_ms
    here, later = _here_or_later(candidates, known)
    unseen = (known.offsets == UNSEEN) | later | (expired & ~here)
    first_offsets = np.where(unseen, candidates.offsets, known.offsets)
    # New ids belong to the current incarnation, which is the last name.
    first_incarnations = np.where(unseen, len(known.names), known.incarnations)
    reference = np.where(unseen, candidates.fingerprints, known.fingerprints)
    repeated = _repeats_within(candidates, unseen)
    if repeated is not None:
        at, first = repeated
        first_offsets[at] = candidates.offsets[first]
        reference[at] = candidates.fingerprints[first]
        unseen[at] = False
    elsewhere = ~(unseen | here)
    outcomes = np.where(elsewhere, np.uint8(Outcome.DUPLICATE), np.uint8(Outcome.STORED))
    outcomes[elsewhere & (reference != candidates.fingerprints)] = Outcome.CONFLICT
    return Decision(
        outcomes.astype(np.uint8),
        first_offsets,
        first_incarnations,
        [*known.names, candidates.incarnation],
        _new_ids(candidates, unseen | here),
    )


def _here_or_later(
    candidates: Candidates, known: FirstOccurrences
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which candidates are the very records that were seen first, and which lie before those.

    Both are delivered again. A record before the first occurrence was none itself, as the store
    refused its row; it is sent to the store again, which will refuse it again.

    Ids from an older version do not name the incarnation: then the append time decides, as a
    recreated topic's records were appended after all that was seen of the old topic.
    """
    again: npt.NDArray[np.bool_] = known.offsets >= candidates.offsets
    if not again.any():
        return again, again
    mine = candidates.incarnation
    may_be = np.asarray([not mine or name in {"", mine} for name in known.names], np.bool_)
    again &= may_be[known.incarnations] & (candidates.appended_ms <= known.appended_ms)
    return again & (known.offsets == candidates.offsets), again & (
        known.offsets > candidates.offsets
    )


def decide_staying(
    candidates: Candidates, moving: npt.NDArray[np.bool_], dedup_index: DedupIndex
) -> Decision:
    """Decide those that are not *moving*; the others are neither looked up nor remembered here."""
    rows = np.flatnonzero(~moving)
    staying = decide(candidates.rows(rows), dedup_index)
    outcomes = np.full(len(candidates), Outcome.MOVED, np.uint8)
    outcomes[rows] = staying.outcomes
    first_offsets = candidates.offsets.copy()
    first_offsets[rows] = staying.first_offsets
    first_incarnations = np.full(len(candidates), len(staying.incarnations) - 1, np.int64)
    first_incarnations[rows] = staying.first_incarnations
    return Decision(
        outcomes, first_offsets, first_incarnations, staying.incarnations, staying.new_ids
    )


def _repeats_within(
    candidates: Candidates, unseen: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
    """Candidates whose unseen id occurs earlier in the fetched batch: their rows and the first's.

    Only rows that share the high half with a neighbour in hash order are looked at one by one.
    """
    rows = np.flatnonzero(unseen)
    high = candidates.high[rows]
    order = np.argsort(high, kind="stable")
    ranked = high[order]
    same = ranked[1:] == ranked[:-1]
    if not same.any():
        return None
    suspects = np.sort(rows[order[np.r_[False, same] | np.r_[same, False]]])
    first_of: dict[tuple[int, int], int] = {}
    at: list[int] = []
    first: list[int] = []
    for row in suspects.tolist():
        key = (int(candidates.high[row]), int(candidates.low[row]))
        earlier = first_of.setdefault(key, row)
        if earlier != row:
            at.append(row)
            first.append(earlier)
    return np.asarray(at, np.int64), np.asarray(first, np.int64)


def _new_ids(candidates: Candidates, unseen: npt.NDArray[np.bool_]) -> IdBlock | None:
    rows = np.flatnonzero(unseen)
    if not len(rows):
        return None
    appended = candidates.appended_ms[rows]
    return IdBlock(
        candidates.high[rows],
        candidates.low[rows],
        candidates.offsets[rows],
        candidates.fingerprints[rows],
        int(appended.min()),
        int(appended.max()),
        candidates.incarnation,
    )
