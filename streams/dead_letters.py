"""Turns records of `fasttrack.rejected` into rows: each record is one row, whatever it holds.

Anybody may write to a topic. A record is read as a dead letter by one strict rule (`_Letter`), or
it is kept as what it is, with its own text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import xxhash
from msgspec import Meta

from events.dead_letters import raw_fields, report_of_record
from streams.fates import Fate
from streams.judge import Counts, Judged
from streams.provenance import instant_ms
from streams.resume import already_stored
from streams.slices import Slice

_MS = pa.timestamp("ms", "UTC")
_TENANT: Final = r"^([a-z0-9][a-z0-9_-]{0,62})?$"
# As door and workers number what they refuse, see events/dead_letters.py.
_REPORT: Final = re.compile(r"[A-Za-z0-9._-]{1,249}(:[0-9]{1,19}){1,3}")

Whole = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Name = Annotated[str, Meta(max_length=249)]


class _Letter(msgspec.Struct, frozen=True):
    """A dead letter as door and workers of every version write it; `reason` is always there."""

    reason: Annotated[str, Meta(min_length=1, max_length=100)]
    tenant: Annotated[str, Meta(pattern=_TENANT)] | None = None
    event: str | None = None
    field: str | None = None
    message: str | None = None
    raw: str | None = None
    raw_base64: str | None = None
    request_id: str | None = None
    position: Whole | None = None
    topic: Name | None = None
    incarnation: Name | None = None
    partition: Number | None = None
    offset: Whole | None = None
    received_at: str | None = None
    report: str | None = None


_TEXTS: Final = ("tenant", "event", "reason", "field", "message", "request_id", "topic")
_decode = msgspec.json.Decoder(_Letter).decode


def dead_letter_rows(piece: Slice, stored: Mapping[int, int]) -> Judged:
    """Rows of the table `rejected` for *piece*, without those at offsets already *stored*.

    A record that is no dead letter is kept as one, with the reason `unreadable_reject` and its own
    text.
    """
    letters = [_letter(piece, at) for at in range(len(piece))]
    keep = ~already_stored(piece.offsets, piece.appended_ms, stored)
    rows = np.flatnonzero(keep)
    tally: dict[tuple[str, Fate], int] = {}
    for letter in letters:
        key = (letter.tenant or "", Fate.STORED)
        tally[key] = tally.get(key, 0) + 1
    return Judged(
        Counts(stored=len(letters)),
        _rows(piece, [letters[row] for row in rows.tolist()], rows) if len(rows) else None,
        by_tenant=tally,
    )


def _letter(piece: Slice, at: int) -> _Letter:
    value = piece.values[at]
    try:
        return _read(value or b"")
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, msgspec.MsgspecError) else type(error).__name__
    kept = raw_fields(value)
    return _Letter(
        reason="unreadable_reject",
        message=f"A record of fasttrack.rejected is not a dead letter ({why}); see raw.",
        raw=kept.get("raw"),
        raw_base64=kept.get("raw_base64"),
        topic=piece.partition.topic,
        incarnation=piece.incarnation,
        partition=piece.partition.number,
        offset=int(piece.offsets[at]),
    )


def _read(value: bytes) -> _Letter:
    """The dead letter that *value* is.

    Raises:
        MsgspecError, ValueError, RecursionError: it is none.
    """
    letter = _decode(value)
    if letter.received_at is not None and instant_ms(letter.received_at) is None:
        raise msgspec.ValidationError("`received_at` is no time that can be stored")
    for name in letter.__struct_fields__:
        text = getattr(letter, name)
        if isinstance(text, str):
            text.encode()  # half a surrogate pair is no text
    return letter


def _report(piece: Slice, at: int, letter: _Letter) -> str:
    """Which refusal the record reports: what it says itself, else its own coordinate.

    A refusal may be reported twice, when a writer tries again. What a record says is believed only
    together with the item: two items are never one row, whatever is said of them.
    """
    if letter.report is not None and _REPORT.fullmatch(letter.report):
        item = letter.raw or letter.raw_base64 or ""
        return f"{letter.report}#{xxhash.xxh3_128_hexdigest(item.encode())}"
    return report_of_record(
        piece.partition.topic,
        piece.incarnation,
        piece.partition.number,
        int(piece.offsets[at]),
        int(piece.appended_ms[at]),
    )


def _rows(piece: Slice, letters: list[_Letter], rows: Any) -> pa.RecordBatch:
    columns: dict[str, pa.Array] = {
        name: pa.array([getattr(letter, name) or "" for letter in letters], pa.string())
        for name in (*_TEXTS, "incarnation")
    }
    columns["raw"] = pa.array(
        [letter.raw or letter.raw_base64 or "" for letter in letters], pa.string()
    )
    for name, kind in {
        "position": pa.int64(),
        "partition": pa.int32(),
        "offset": pa.int64(),
    }.items():
        columns[name] = pa.array([getattr(letter, name) for letter in letters], kind)
    appended = piece.appended_ms[rows]
    received = [
        at if letter.received_at is None else instant_ms(letter.received_at)
        for letter, at in zip(letters, appended.tolist(), strict=True)
    ]
    reports = [
        _report(piece, row, letter) for letter, row in zip(letters, rows.tolist(), strict=True)
    ]
    count = len(letters)
    return pa.RecordBatch.from_pydict(
        {
            **columns,
            "received_at": pa.array(received, pa.int64()).cast(_MS),
            "_report": pa.array(reports, pa.string()),
            "_topic": pa.array([piece.partition.topic] * count),
            "_incarnation": pa.array([piece.incarnation] * count),
            "_partition": pa.array(np.full(count, piece.partition.number, np.int32)),
            "_offset": pa.array(piece.offsets[rows]),
            "_appended_at": pa.array(appended).cast(_MS),
        }
    )
