"""Reads from the record headers whose each record is and how it came in.

The ingest API writes `tenant`, `received_at` and `request_id`; records of one request lie side by
side and share them, so they are read once per run of records. Direct producers must send `tenant`;
the others default to the broker's append time and an empty id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from streams.dedup.blocks import I64
from streams.fetch.fetched_batch import Headers
from streams.judge import moved_from
from streams.judge.moved_from import MovedFrom, parse_moved_from

# The same rule as for tenant names in the ingest API; any other name is no tenant's.
_TENANT = re.compile(rb"[a-z0-9][a-z0-9_-]{0,62}")
_REQUEST_ID_MAX_BYTES = 128
# DateTime64 of the store reaches from 1900 to 2299.
_EARLIEST_MS = -2_208_988_800_000
_LATEST_MS = 10_413_792_000_000


@dataclass(frozen=True, slots=True)
class OriginRun:
    """Records from *start* to before *end* that share their origin; no tenant: None."""

    start: int
    end: int
    tenant: str | None
    received_ms: int | None
    request_id: str
    moved_from: MovedFrom | None = None


def runs(headers: Sequence[Headers]) -> list[OriginRun]:
    """Cut *headers* (one entry a record) into runs of equal entries, in order."""
    return [_run(start, end, headers[start]) for start, end in _borders(headers)]


def _borders(headers: Sequence[Headers]) -> Iterator[tuple[int, int]]:
    start = 0
    current = headers[0]
    for at, entry in enumerate(headers):
        if entry is not current and entry != current:
            yield start, at
            start, current = at, entry
    yield start, len(headers)


def _run(start: int, end: int, headers: Headers) -> OriginRun:
    fields = dict(headers or ())
    tenant = fields.get("tenant") or b""
    moved = parse_moved_from(fields.get(moved_from.NAME))
    return OriginRun(
        start,
        end,
        tenant.decode() if _TENANT.fullmatch(tenant) else None,
        _received_ms(fields.get("received_at"), moved),
        (fields.get("request_id") or b"")[:_REQUEST_ID_MAX_BYTES].decode("utf-8", "replace"),
        moved,
    )


def _received_ms(text: bytes | None, moved: MovedFrom | None) -> int | None:
    """What the producer says; for a record that was sent on, when it was first appended."""
    reported = _milliseconds(text)
    if reported is not None or moved is None:
        return reported
    return moved.appended_ms if moved.appended_ms < _LATEST_MS else None


def _milliseconds(text: bytes | None) -> int | None:
    """Milliseconds since the epoch of an RFC 3339 instant; None for anything else."""
    try:
        return instant_ms((text or b"").decode("ascii"))
    except ValueError:
        return None


def instant_ms(text: str) -> int | None:
    """The same for *text*."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            return None
        milliseconds = round(instant.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    # A producer's clock may say anything.
    return milliseconds if _EARLIEST_MS <= milliseconds < _LATEST_MS else None


def received_ms(origin_runs: Sequence[OriginRun], appended_ms: I64) -> I64:
    """Receive time of each record in ms: the header's, else the broker's append time."""
    times = appended_ms.copy()
    for run in origin_runs:
        if run.received_ms is not None:
            times[run.start : run.end] = run.received_ms
    return times


def run_numbers(origin_runs: Sequence[OriginRun]) -> I64:
    """For each record the position of its run in *origin_runs*."""
    return np.repeat(np.arange(len(origin_runs)), [run.end - run.start for run in origin_runs])
