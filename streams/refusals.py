"""What if ClickHouse refuses a row for what it holds? It becomes a dead letter and frees its id.

What was judged before the refusal was known may have been taken for a repeat of it, so all of that
is judged again: the first record of an id that the store takes is the row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from events.registry import BY_TOPIC
from events.result import Rejection
from streams.judge import Counts, Judged
from streams.rejects import reject_of
from streams.rows import origin_of
from streams.slices import Slice

REASON = "store_refused"
_MESSAGE = (
    "ClickHouse refused the row for what it holds although the item fits the contract; the "
    "worker's log has the code. Mend the item and send it again."
)


def judge_without(
    piece: Slice, refused: Collection[int], judge: Callable[[Slice], Judged]
) -> Judged:
    """The judgement of *piece* with the records at the offsets *refused* rejected."""
    at_fault = np.isin(piece.offsets, list(refused))
    if not at_fault.any():
        return judge(piece)
    origin = origin_of(piece)
    event = BY_TOPIC[piece.partition.topic].name if piece.partition.topic in BY_TOPIC else None
    letters = [
        reject_of(piece, origin, Rejection(at, event, REASON, None, _MESSAGE))
        for at in np.flatnonzero(at_fault).tolist()
    ]
    rest = piece.only(np.flatnonzero(~at_fault))
    judged = judge(rest) if rest else Judged()
    return replace(
        judged,
        counts=judged.counts + Counts(rejected=len(letters)),
        rejects=[*letters, *judged.rejects],
    )


def forget(judged: Judged, refused: Collection[int]) -> None:
    """Take the ids of the records at the offsets *refused* out of the memory."""
    if judged.news is None or judged.seen is None:
        return
    gone = np.isin(judged.news.offsets, list(refused))
    judged.seen.forget(judged.news.high[gone], judged.news.low[gone])
