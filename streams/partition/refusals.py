"""Handles rows that ClickHouse refuses for their values: dead letters that free their ids.

Records judged before the refusal was known may have counted as repeats of it, so they are judged
again: the first record of an id that the store accepts is the row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from events.check.result import Rejection
from events.contract.registry import BY_TOPIC
from streams.fetch.fetched_batch import FetchedBatch
from streams.judge.judge import Judged, judge_apart
from streams.judge.rows import origin_of

REASON = "store_refused"
_MESSAGE = (
    "ClickHouse refused a value of the row although the item fits the contract; the "
    "worker's log has the code. Correct the item and send it again."
)


def judge_without(
    fetched: FetchedBatch, refused: Collection[int], judge: Callable[[FetchedBatch], Judged]
) -> Judged:
    """The judgement of *fetched* with the records at the offsets *refused* rejected."""
    at_fault = np.isin(fetched.offsets, list(refused))
    if not at_fault.any():
        return judge(fetched)
    event = BY_TOPIC[fetched.partition.topic].name if fetched.partition.topic in BY_TOPIC else None
    rejections = [
        Rejection(at, event, REASON, None, _MESSAGE) for at in np.flatnonzero(at_fault).tolist()
    ]
    return judge_apart(fetched, origin_of(fetched), rejections, judge)


def forget(judged: Judged, refused: Collection[int]) -> None:
    """Remove the ids of the records at the offsets *refused* from the dedup index."""
    if judged.new_ids is not None and judged.dedup_index is not None:
        judged.dedup_index.forget_records(judged.new_ids, refused)
