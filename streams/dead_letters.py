"""How do records of `fasttrack.rejected` become rows? Each is one row, whatever is in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from events.dead_letters import raw_fields
from streams.fates import Fate
from streams.judge import Counts, Judged
from streams.resume import already_stored
from streams.slices import Slice

_MS = pa.timestamp("ms", "UTC")
_TEXTS = ("tenant", "event", "reason", "field", "message", "raw", "request_id", "topic")
_NUMBERS = {
    "position": (pa.int64(), 2**63),
    "partition": (pa.int32(), 2**31),
    "offset": (pa.int64(), 2**63),
}


def dead_letter_rows(piece: Slice, stored: Mapping[int, int]) -> Judged:
    """Rows of the table `rejected` for *piece*, without those at offsets already *stored*.

    A record that is no dead letter (somebody wrote rubbish to the topic) is kept as one, with
    the reason `unreadable_reject` and its own text.
    """
    letters = [_letter(piece, at) for at in range(len(piece))]
    keep = ~already_stored(piece.offsets, piece.appended_ms, stored)
    rows = np.flatnonzero(keep)
    tally: dict[tuple[str, Fate], int] = {}
    for letter in letters:
        key = (_text(letter.get("tenant")), Fate.STORED)
        tally[key] = tally.get(key, 0) + 1
    return Judged(
        Counts(stored=len(letters)),
        _rows(piece, [letters[row] for row in rows.tolist()], rows) if len(rows) else None,
        by_tenant=tally,
    )


def _letter(piece: Slice, at: int) -> dict[str, Any]:
    value = piece.values[at]
    try:
        letter = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        letter = None
    if isinstance(letter, dict) and isinstance(letter.get("reason"), str):
        return letter
    return {
        "reason": "unreadable_reject",
        "message": "A record of fasttrack.rejected is not a dead letter; see raw.",
        **raw_fields(value),
        # Its own coordinate is its origin: without one, all rubbish would share a row.
        "topic": piece.partition.topic,
        "partition": piece.partition.number,
        "offset": int(piece.offsets[at]),
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _rows(piece: Slice, letters: list[dict[str, Any]], rows: Any) -> pa.RecordBatch:
    columns: dict[str, pa.Array] = {
        name: pa.array([_text(letter.get(name)) for letter in letters], pa.string())
        for name in _TEXTS
    }
    columns["raw"] = pa.array(
        [_text(letter.get("raw")) or _text(letter.get("raw_base64")) for letter in letters],
        pa.string(),
    )
    for name, (kind, most) in _NUMBERS.items():
        columns[name] = pa.array([_whole(letter.get(name), most) for letter in letters], kind)
    appended = piece.appended_ms[rows]
    received = [
        _instant_ms(letter.get("received_at"), at)
        for letter, at in zip(letters, appended.tolist(), strict=True)
    ]
    count = len(letters)
    return pa.RecordBatch.from_pydict(
        {
            **columns,
            "received_at": pa.array(received, pa.int64()).cast(_MS),
            "_topic": pa.array([piece.partition.topic] * count),
            "_partition": pa.array(np.full(count, piece.partition.number, np.int32)),
            "_offset": pa.array(piece.offsets[rows]),
            "_appended_at": pa.array(appended).cast(_MS),
        }
    )


def _whole(value: Any, most: int) -> int | None:
    return value if isinstance(value, int) and 0 <= value < most else None


def _instant_ms(text: Any, otherwise: int) -> int:
    try:
        instant = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return otherwise
    return otherwise if instant.tzinfo is None else round(instant.timestamp() * 1000)
