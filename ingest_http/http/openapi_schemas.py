"""The schemas of /openapi.json for what the ingest API answers: errors, reports, readiness."""

from __future__ import annotations

from typing import Any, Final

from events.contract.adjustments import Adjustment
from events.contract.reasons import REASONS

ERROR_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What went wrong, where, and what to do about it.",
    "properties": {
        "error": {"type": "string", "description": "A code for programs."},
        "message": {"type": "string", "description": "The same for people."},
        "request_id": {"type": "string", "description": "Also in the header X-Request-Id."},
        "ids": {
            "type": "array",
            "items": {"type": "string"},
            "description": "510 only: idempotency ids of the items that were not stored.",
        },
        "positions": {
            "type": "array",
            "items": {"type": "integer"},
            "description": "510 only: the positions of those items in the batch.",
        },
        "limit_items": {"type": "integer", "description": "413 only: most items of a batch."},
        "limit_bytes": {"type": "integer", "description": "413 only: most bytes of a body."},
    },
    "required": ["error", "message", "request_id"],
}
# What the check of an item can find; the others are the workers'.
ITEM_REASONS: Final = [reason for reason in REASONS if reason.kind != "stream"]
OUTCOMES: Final = ["accepted", "rejected", "not_stored", "valid", "invalid"]
REPORT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "request_id": {"type": "string"},
        "dry_run": {"type": "boolean"},
        "items": {"type": "integer"},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "outcomes": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "position": {"type": "integer"},
                    "outcome": {
                        "type": "string",
                        "enum": OUTCOMES,
                        "description": "`accepted` and `rejected` are durable; `not_stored` has to "
                        "be sent again; `valid` and `invalid` are of a dry run.",
                    },
                    "event": {"type": ["string", "null"]},
                    "id": {"type": "string", "description": "The idempotency id."},
                    "adjusted": {
                        "type": "object",
                        "description": "Values not stored exactly as they were sent, by kind.",
                        "properties": {one.value: {"type": "integer"} for one in Adjustment},
                    },
                    "reason": {"$ref": "#/components/schemas/Reason"},
                    "field": {
                        "type": ["string", "null"],
                        "description": "Its path, such as `data.bets[0].odds`.",
                    },
                    "message": {"type": "string"},
                },
                "required": ["position", "outcome", "event"],
            },
        },
    },
    "required": ["request_id", "dry_run", "items", "counts", "outcomes"],
}
REASON_SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "enum": [reason.code for reason in ITEM_REASONS],
    "description": "Why an item is rejected, and what to do:\n\n"
    + "\n".join(f"- `{one.code}`: {one.meaning}; {one.remedy}" for one in ITEM_REASONS),
}
READY_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "ready": {"type": "boolean"},
        "reasons": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["ready", "reasons"],
}
