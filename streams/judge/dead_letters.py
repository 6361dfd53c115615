"""Turns records of `fasttrack.rejected` into rows: each record is one row, whatever it holds.

Any producer may write to a topic. A record is read as a dead letter by one strict rule
(`_DeadLetter`), or it is kept with its own text.
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

from events.contract.dead_letters import raw_fields
from streams.fetch.fetched_batch import FetchedBatch
from streams.fetch.provenance import instant_ms
from streams.judge.judge import Judged
from streams.judge.outcomes import Outcome, OutcomeCounts
from streams.judge.rejects import report_at
from streams.recovery.recovery_offset import already_stored

_MS = pa.timestamp("ms", "UTC")
_TENANT: Final = r"^([a-z0-9][a-z0-9_-]{0,62})?$"
# How ingest API and workers number what they refuse: see events/contract/dead_letters.py.
_REPORT: Final = re.compile(r"[A-Za-z0-9._-]{1,249}(:[0-9]{1,19}){1,3}")

Whole = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Name = Annotated[str, Meta(max_length=249)]


class _DeadLetter(msgspec.Struct, frozen=True):
    """A dead letter as every version of ingest API and worker writes it, always with `reason`."""

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
_decode = msgspec.json.Decoder(_DeadLetter).decode


def dead_letter_rows(fetched: FetchedBatch, stored: Mapping[int, int]) -> Judged:
    """Rows of the table `rejected` for *fetched*, without those at offsets already *stored*.

    A record that is no dead letter is kept as one, with the reason `unreadable_reject` and its own
    text.
    """
    parsed = [_dead_letter(fetched, at) for at in range(len(fetched))]
    keep = ~already_stored(fetched.offsets, fetched.appended_ms, stored)
    rows = np.flatnonzero(keep)
    tally: dict[tuple[str, Outcome], int] = {}
    for dead_letter in parsed:
        key = (dead_letter.tenant or "", Outcome.STORED)
        tally[key] = tally.get(key, 0) + 1
    return Judged(
        OutcomeCounts(stored=len(parsed)),
        _rows(fetched, [parsed[row] for row in rows.tolist()], rows) if len(rows) else None,
        by_tenant=tally,
    )


def _dead_letter(fetched: FetchedBatch, at: int) -> _DeadLetter:
    value = fetched.values[at]
    try:
        return _read(value or b"")
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, msgspec.MsgspecError) else type(error).__name__
    kept = raw_fields(value)
    return _DeadLetter(
        reason="unreadable_reject",
        message=f"A record of fasttrack.rejected is not a dead letter ({why}); see raw.",
        raw=kept.get("raw"),
        raw_base64=kept.get("raw_base64"),
        topic=fetched.partition.topic,
        incarnation=fetched.incarnation,
        partition=fetched.partition.number,
        offset=int(fetched.offsets[at]),
    )


def _read(value: bytes) -> _DeadLetter:
    """The dead letter that *value* is.

    Raises:
        MsgspecError, ValueError, RecursionError: it is none.
    """
    dead_letter = _decode(value)
    if dead_letter.received_at is not None and instant_ms(dead_letter.received_at) is None:
        raise msgspec.ValidationError("`received_at` is no time that can be stored")
    for name in dead_letter.__struct_fields__:
        text = getattr(dead_letter, name)
        if isinstance(text, str):
            text.encode()  # half a surrogate pair is no valid text
    return dead_letter


def _report(fetched: FetchedBatch, at: int, dead_letter: _DeadLetter) -> str:
    """Which refusal the record reports: what it says itself, else its own coordinate.

    A refusal may be reported twice, when its writer tries again. What a record says counts only
    together with the item: two items are never one row, whatever the records say.
    """
    if dead_letter.report is not None and _REPORT.fullmatch(dead_letter.report):
        item = dead_letter.raw or dead_letter.raw_base64 or ""
        return f"{dead_letter.report}#{xxhash.xxh3_128_hexdigest(item.encode())}"
    return report_at(fetched, at)


def _rows(fetched: FetchedBatch, parsed: list[_DeadLetter], rows: Any) -> pa.RecordBatch:
    columns: dict[str, pa.Array] = {
        name: pa.array([getattr(dead_letter, name) or "" for dead_letter in parsed], pa.string())
        for name in (*_TEXTS, "incarnation")
    }
    columns["raw"] = pa.array(
        [dead_letter.raw or dead_letter.raw_base64 or "" for dead_letter in parsed], pa.string()
    )
    for name, kind in {
        "position": pa.int64(),
        "partition": pa.int32(),
        "offset": pa.int64(),
    }.items():
        columns[name] = pa.array([getattr(dead_letter, name) for dead_letter in parsed], kind)
    appended = fetched.appended_ms[rows]
    received = [
        at if dead_letter.received_at is None else instant_ms(dead_letter.received_at)
        for dead_letter, at in zip(parsed, appended.tolist(), strict=True)
    ]
    reports = [
        _report(fetched, row, dead_letter)
        for dead_letter, row in zip(parsed, rows.tolist(), strict=True)
    ]
    count = len(parsed)
    return pa.RecordBatch.from_pydict(
        {
            **columns,
            "received_at": pa.array(received, pa.int64()).cast(_MS),
            "_report": pa.array(reports, pa.string()),
            "_topic": pa.array([fetched.partition.topic] * count),
            "_incarnation": pa.array([fetched.incarnation] * count),
            "_partition": pa.array(np.full(count, fetched.partition.number, np.int32)),
            "_offset": pa.array(fetched.offsets[rows]),
            "_appended_at": pa.array(appended).cast(_MS),
        }
    )
