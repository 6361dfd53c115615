"""The document at /openapi.json, made from the contract's models and the table of answers."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any, Final

from events.contract.adjustments import Adjustment
from events.contract.registry import EVENT_TYPES
from events.contract.schema import bulk_schema
from ingest_http.answers import KINDS, METHOD_NOT_ALLOWED, NOT_FOUND, AnswerKind

JSON: Final = "application/json"
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
    },
    "required": ["error", "message", "request_id"],
}
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
                    "outcome": {"type": "string", "enum": OUTCOMES},
                    "event": {"type": ["string", "null"]},
                    "id": {"type": "string"},
                    "adjusted": {
                        "type": "object",
                        "description": "Values not stored exactly as they were sent, by kind.",
                        "properties": {one.value: {"type": "integer"} for one in Adjustment},
                    },
                    "reason": {"type": "string"},
                    "field": {"type": ["string", "null"]},
                    "message": {"type": "string"},
                },
                "required": ["position", "outcome", "event"],
            },
        },
    },
    "required": ["request_id", "dry_run", "items", "counts", "outcomes"],
}
READY_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "ready": {"type": "boolean"},
        "reasons": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["ready", "reasons"],
}
REQUEST_TEXT: Final = (
    "Accepts a batch of events in FastTrack's native payload format. Unknown fields are ignored. "
    "Items that individually fail validation are dropped from the events and kept, with the "
    "reason, as rejected; the others are recorded. 204 is answered after all of it is durably "
    "stored. On 510, 503, or no answer at all, send the whole batch again: repeats are harmless."
)


@cache
def openapi_document() -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Railhead: the ingest API",
            "version": _version(),
            "description": REQUEST_TEXT,
        },
        "paths": {
            "/api/v1/integrations/fasttrack/bulk": {"post": _request()},
            "/health/live": {"get": _get("Tells that the process runs.", {"200": _ok({})})},
            "/health/ready": {
                "get": _get(
                    "Tells whether a batch sent now would be stored.",
                    {"200": _ok(READY_SCHEMA), "503": _ok(READY_SCHEMA, "Not now, and why.")},
                )
            },
        },
        "components": {
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": {"Error": ERROR_SCHEMA},
        },
    }


def _request() -> dict[str, Any]:
    schema = {name: value for name, value in bulk_schema().items() if name != "$schema"}
    return {
        "summary": "Consumes FastTrack events.",
        "description": REQUEST_TEXT,
        "operationId": "pushFastTrackEvents",
        "security": [{"key": []}, {"bearer": []}],
        "parameters": [
            _flag("report", "Answer 200 with an outcome for each item, for integrators."),
            _flag("dry_run", "Check only and report; nothing is stored."),
            {
                "name": "X-Request-Id",
                "in": "header",
                "description": "Kept in logs, records and the answer, if it has this form.",
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"},
            },
        ],
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": schema, "examples": _examples()}},
        },
        "responses": {
            "204": {
                "description": "All of it is durably stored. No body.",
                "headers": {
                    "X-Railhead-Rejected": {
                        "description": "How many items were kept as rejected.",
                        "schema": {"type": "integer"},
                    }
                },
            },
            "200": _ok(REPORT_SCHEMA, "The outcome of each item; only if asked for."),
            **_refusals(),
        },
    }


def _refusals() -> dict[str, Any]:
    by_status: defaultdict[int, list[AnswerKind]] = defaultdict(list)
    for kind in KINDS:
        if kind is not NOT_FOUND:
            by_status[kind.status].append(kind)
    return {
        str(status): {
            "description": " ".join(f"`{kind.code}`: {kind.advice}" for kind in kinds),
            "headers": _headers(kinds),
            "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        for status, kinds in sorted(by_status.items())
    }


def _headers(kinds: list[AnswerKind]) -> dict[str, Any]:
    names = {"X-Request-Id": "string"}
    if any(kind.retry_after_seconds for kind in kinds):
        names["Retry-After"] = "integer"
    if METHOD_NOT_ALLOWED in kinds:
        names["Allow"] = "string"
    return {name: {"schema": {"type": type_}} for name, type_ in names.items()}


def _examples() -> dict[str, Any]:
    folder = files("events.contract") / "examples"
    items = {
        row.name: json.loads((folder / f"{row.name}.json").read_text("utf-8"))
        for row in EVENT_TYPES
    }
    single = {name: {"summary": name, "value": [item]} for name, item in items.items()}
    return {"mixed": {"summary": "one of each", "value": list(items.values())}, **single}


def _flag(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "schema": {"type": "string", "enum": ["1"]},
    }


def _get(summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    return {"summary": summary, "responses": responses}


def _ok(schema: dict[str, Any], description: str = "Yes.") -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": schema}}}


def _version() -> str:
    try:
        return version("railhead")
    except PackageNotFoundError:
        return "0"
