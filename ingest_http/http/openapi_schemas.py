"""The schemas of /openapi.json for what the ingest API answers: errors, reports, health.

Each kind of refusal has a schema of its own, so that a generated client has a class for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from events.contract.adjustments import Adjustment
from events.contract.reasons import REASONS
from ingest_http.answers import BODY_TOO_LARGE, NOT_STORED, TOO_MANY_ITEMS, AnswerKind, ApiError

Schema = dict[str, Any]

# What the check of an item can find; the others are the workers'.
ITEM_REASONS: Final = [reason for reason in REASONS if reason.kind != "stream"]
OUTCOMES: Final = ["accepted", "rejected", "not_stored", "valid", "invalid"]


def ref(name: str) -> Schema:
    """A reference to the schema *name* of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


REASON_SCHEMA: Final[Schema] = {
    "type": "string",
    "enum": [reason.code for reason in ITEM_REASONS],
    "description": "Why an item is rejected, and what to do:\n\n"
    + "\n".join(f"- `{one.code}`: {one.meaning}; {one.remedy}" for one in ITEM_REASONS),
}
OUTCOME_SCHEMA: Final[Schema] = {
    "type": "string",
    "enum": OUTCOMES,
    "description": "`accepted` and `rejected` are durable; `not_stored` has to be sent again; "
    "`valid` and `invalid` are of a dry run.",
}
ITEM_OUTCOME_SCHEMA: Final[Schema] = {
    "type": "object",
    "description": "What became of one item of the batch.",
    "properties": {
        "position": {"type": "integer"},
        "outcome": ref("Outcome"),
        "event": {"type": ["string", "null"]},
        "id": {"type": "string", "description": "The idempotency id."},
        "adjusted": {
            "type": "object",
            "description": "Values not stored exactly as they were sent, by kind.",
            "properties": {one.value: {"type": "integer"} for one in Adjustment},
        },
        "reason": ref("Reason"),
        "field": {
            "type": ["string", "null"],
            "description": "Its path, such as `data.bets[0].odds`.",
        },
        "message": {"type": "string"},
    },
    "required": ["position", "outcome", "event"],
}
REPORT_FIELDS: Final[Schema] = {
    "request_id": {"type": "string", "description": "Also in the header X-Request-Id."},
    "dry_run": {"type": "boolean"},
    "items": {"type": "integer", "description": "How many items the batch has."},
    "counts": {
        "type": "object",
        "description": "How many items have each outcome.",
        "properties": {outcome: {"type": "integer"} for outcome in OUTCOMES},
    },
    "outcomes": {"type": "array", "items": ref("ItemOutcome")},
}
LIVE_FIELDS: Final[Schema] = {"live": {"type": "boolean"}}
READY_FIELDS: Final[Schema] = {
    "ready": {"type": "boolean"},
    "reasons": {"type": "array", "items": {"type": "string"}},
}
NOT_STORED_FIELDS: Final[Schema] = {
    "ids": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Idempotency ids of the items that were not stored.",
    },
    "positions": {
        "type": "array",
        "items": {"type": "integer"},
        "description": "The positions of those items in the batch.",
    },
}
# What the body of a kind has besides code, message and request id; and values of an example.
DETAILS: Final[dict[AnswerKind, Schema]] = {
    BODY_TOO_LARGE: {"limit_bytes": {"type": "integer", "description": "Most bytes of a body."}},
    TOO_MANY_ITEMS: {"limit_items": {"type": "integer", "description": "Most items of a batch."}},
    NOT_STORED: NOT_STORED_FIELDS,
}
DETAILS_IN_EXAMPLES: Final[dict[AnswerKind, dict[str, Any]]] = {
    BODY_TOO_LARGE: {"limit_bytes": 33_554_432},
    TOO_MANY_ITEMS: {"limit_items": 50_000},
    NOT_STORED: {"ids": ["9cd823d3fe"], "positions": [0]},
}


def error_name(kind: AnswerKind) -> str:
    """The name of the schema of *kind*'s body."""
    return "".join(word.title() for word in kind.code.split("_")) + "Error"


def error_schema(kind: AnswerKind) -> Schema:
    """The body of a refusal of *kind*."""
    fields = {
        "error": {"type": "string", "const": kind.code, "description": "A code for programs."},
        "message": {"type": "string", "description": "The same for people, with details."},
        "request_id": REPORT_FIELDS["request_id"],
        **DETAILS.get(kind, {}),
    }
    # After a request for a report, a batch that was not stored as a whole has it, too.
    more = REPORT_FIELDS if kind is NOT_STORED else {}
    return _object({**fields, **more}, kind.advice, required=fields)


def error_example(kind: AnswerKind) -> dict[str, Any]:
    """A body of *kind*, with a few dots for what differs from one request to the next."""
    return ApiError(kind, "…", details=DETAILS_IN_EXAMPLES.get(kind)).body("r-1")


def answer_schemas(kinds: Iterable[AnswerKind]) -> dict[str, Schema]:
    """Every schema of an answer, by name; errors of *kinds*."""
    return {
        **{error_name(kind): error_schema(kind) for kind in kinds},
        "Report": _object(REPORT_FIELDS, "The outcome of each item, in the order of the batch."),
        "ItemOutcome": ITEM_OUTCOME_SCHEMA,
        "Outcome": OUTCOME_SCHEMA,
        "Reason": REASON_SCHEMA,
        "Liveness": _object(LIVE_FIELDS, "Whether the process runs."),
        "Readiness": _object(READY_FIELDS, "Whether a batch sent now would be stored."),
    }


def _object(fields: Schema, description: str, required: Iterable[str] | None = None) -> Schema:
    names = list(fields if required is None else required)
    return {
        "type": "object",
        "description": description,
        "properties": fields,
        "required": names,
    }
