"""What if ClickHouse refuses a row for what it holds? It becomes a dead letter and frees its id."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from events.registry import BY_TOPIC
from events.result import Rejection
from streams.fates import Fate
from streams.judge import Counts, Judged
from streams.rejects import Reject, reject_of
from streams.rows import origin_of
from streams.seen.blocks import Block
from streams.slices import Slice

REASON = "store_refused"
_MESSAGE = (
    "ClickHouse refused the row for what it holds although the item fits the contract; the "
    "worker's log has the code. Mend the item and send it again."
)


def without(judged: Judged, refused: Collection[int]) -> Judged:
    """The same judgement with the rows at the offsets *refused* rejected instead of stored.

    Their ids are taken out of the memory: an item that was rejected has not used up its id.
    """
    piece = judged.piece
    mine = [] if piece is None else [at for at in piece.offsets.tolist() if at in refused]
    if piece is None or not mine:
        return judged
    letters = [_letter(piece, offset) for offset in mine]
    by_tenant = dict(judged.by_tenant)
    for letter in letters:
        by_tenant[letter.key.decode(), Fate.STORED] -= 1
    return replace(
        judged,
        counts=judged.counts + Counts(stored=-len(mine), rejected=len(mine)),
        refused=letters,
        rejects=[*judged.rejects, *letters],
        news=_forgotten(judged, mine),
        by_tenant=by_tenant,
    )


def _letter(piece: Slice, offset: int) -> Reject:
    at = int(np.searchsorted(piece.offsets, offset))
    event = BY_TOPIC[piece.partition.topic].name if piece.partition.topic in BY_TOPIC else None
    rejection = Rejection(at, event, REASON, None, _MESSAGE)
    return reject_of(piece, origin_of(piece), rejection)


def _forgotten(judged: Judged, offsets: list[int]) -> Block | None:
    news = judged.news
    if news is None or judged.seen is None:
        return news
    gone = np.isin(news.offsets, np.asarray(offsets, np.int64))
    judged.seen.forget(news.high[gone], news.low[gone])
    kept = np.flatnonzero(~gone)
    return news.rows(kept) if len(kept) else None
