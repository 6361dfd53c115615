"""What does `?report=1` answer? One outcome for each item, in the order of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ingest_http.batch import Batch


def report_of(
    batch: Batch, not_stored: Sequence[tuple[int, int]], *, request_id: str, dry_run: bool
) -> dict[str, Any]:
    """The report; every item of *batch* has exactly one outcome in it.

    `stored` and `rejected` are durable; `not_stored` has to be sent again; a dry run stores
    nothing and says `valid` or `invalid`.
    """
    missing = set(not_stored)
    outcomes: list[dict[str, Any]] = [{} for _ in range(batch.size)]
    for number, row in enumerate(batch.rows):
        for place in range(len(batch.lots[number].keys)):
            lost = (number, place) in missing
            outcomes[row.position(place)] = (
                _accepted(batch, number, place, dry_run=dry_run)
                if row.accepted is not None
                else _rejected(batch, number, place, dry_run=dry_run)
            ) | ({"outcome": "not_stored"} if lost else {})
    return {
        "request_id": request_id,
        "dry_run": dry_run,
        "items": batch.size,
        "counts": _counts(outcomes),
        "outcomes": outcomes,
    }


def _accepted(batch: Batch, number: int, place: int, *, dry_run: bool) -> dict[str, Any]:
    row = batch.rows[number]
    return {
        "position": row.position(place),
        "outcome": "valid" if dry_run else "stored",
        "event": row.accepted.type.name if row.accepted else None,
        "id": row.id(place),
    }


def _rejected(batch: Batch, number: int, place: int, *, dry_run: bool) -> dict[str, Any]:
    row = batch.rows[number]
    rejection = row.slice.checked.rejected[place]
    return {
        "position": row.position(place),
        "outcome": "invalid" if dry_run else "rejected",
        "event": rejection.event,
        "reason": rejection.reason,
        "field": rejection.field,
        "message": rejection.message,
    }


def _counts(outcomes: Sequence[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome["outcome"]] = counts.get(outcome["outcome"], 0) + 1
    return counts
