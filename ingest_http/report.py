"""The answer with `report=1`: one outcome for each item, in the order of the batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ingest_http.batch import AcceptedItems, CheckedBatch, RejectedItems


def report_of(
    batch: CheckedBatch, not_stored: Sequence[tuple[int, int]], *, request_id: str, dry_run: bool
) -> dict[str, Any]:
    """The report; every item of *batch* has exactly one outcome in it.

    `accepted` and `rejected` are durable in Kafka; only the worker finds out whether an accepted
    item is the first of its id. `not_stored` has to be sent again; a dry run stores nothing and
    says `valid` or `invalid`.
    """
    outcomes: list[dict[str, Any]] = [{} for _ in range(batch.size)]
    for group in batch.groups:
        reported = _accepted(group) if isinstance(group, AcceptedItems) else _rejected(group)
        good = "accepted" if isinstance(group, AcceptedItems) else "rejected"
        if dry_run:
            good = "valid" if isinstance(group, AcceptedItems) else "invalid"
        for position, facts in zip(group.positions, reported, strict=True):
            outcomes[position] = {"position": position, "outcome": good, **facts}
    for position in batch.positions(not_stored):
        outcomes[position]["outcome"] = "not_stored"
    return {
        "request_id": request_id,
        "dry_run": dry_run,
        "items": batch.size,
        "counts": dict(Counter(outcome["outcome"] for outcome in outcomes)),
        "outcomes": outcomes,
    }


def _accepted(group: AcceptedItems) -> Iterator[dict[str, Any]]:
    adjusted: dict[int, dict[str, int]] = {}
    for position, adjustment in group.adjusted:
        counts = adjusted.setdefault(position, {})
        counts[adjustment.value] = counts.get(adjustment.value, 0) + 1
    for position, one in zip(group.positions, group.ids, strict=True):
        facts: dict[str, Any] = {"event": group.event, "id": one}
        yield {**facts, "adjusted": adjusted[position]} if position in adjusted else facts


def _rejected(group: RejectedItems) -> Iterator[dict[str, Any]]:
    for one in group.rejections:
        yield {
            "event": one.event,
            "reason": one.reason,
            "field": one.field,
            "message": one.message,
        }
