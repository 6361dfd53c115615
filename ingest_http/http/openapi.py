"""The document at /openapi.json, made from the contract's models and the table of answers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any, Final

from events.contract.registry import EVENT_TYPES, EventType
from events.contract.schema import item_schema
from ingest_http.answers import (
    BAD_REQUEST,
    INTERNAL,
    KINDS,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    AnswerKind,
)
from ingest_http.http.openapi_schemas import answer_schemas, error_example, error_name, ref
from ingest_http.settings import MIB, ApiSettings

JSON: Final = "application/json"
# Of a path that the document has.
PATH_KINDS: Final = [kind for kind in KINDS if kind is not NOT_FOUND]
HEALTH_KINDS: Final = (BAD_REQUEST, METHOD_NOT_ALLOWED, INTERNAL)
FLAG_SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "enum": ["0", "1"],
    "description": "`1` for yes, `0` for no, as if it were not there.",
}
SUCCESS_HEADERS: Final[dict[str, Any]] = {
    "X-Request-Id": {"schema": {"type": "string"}},
    "X-Railhead-Rejected": {
        "description": "How many items were rejected: none is 0.",
        "schema": {"type": "integer"},
    },
}
TAGS: Final = {
    "Events": "Send batches of events.",
    "Health": "For load balancers and supervisors; no key is needed.",
}
LIMITS: Final = {name: field.default for name, field in ApiSettings.model_fields.items()}
LIMITS_TEXT: Final = (
    "Limits, unless the operator has set others: "
    f"{LIMITS['max_items']:,} items and {LIMITS['max_body_bytes'] // MIB} MiB in a request, also "
    f"when it is decompressed, and {LIMITS['request_deadline_seconds']:g} s from the headers to "
    "the answer. An item has at most 1 MiB of JSON and 128 levels of brackets; see the reasons "
    "for the limits of single values."
)
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
            "title": "Railhead ingest API",
            "version": _version(),
            "description": REQUEST_TEXT,
        },
        "servers": [{"url": "/", "description": "The ingest API that this document is from."}],
        "tags": [{"name": name, "description": what} for name, what in TAGS.items()],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": _schemas(),
        },
    }


def _paths() -> dict[str, Any]:
    return {
        "/api/v1/integrations/fasttrack/bulk": {"post": _request()},
        "/health/live": {
            "get": _health("isLive", "Tells that the process runs.", {"200": _ok(ref("Liveness"))})
        },
        "/health/ready": {
            "get": _health(
                "isReady",
                "Tells whether a batch sent now would be stored.",
                {
                    "200": _ok(ref("Readiness")),
                    "503": _ok(ref("Readiness"), "Not now, and why."),
                },
            )
        },
    }


def _schemas() -> dict[str, Any]:
    return {
        "Batch": {"type": "array", "items": ref("Item")},
        "Item": {
            "description": "One event, by the type that it names.",
            "anyOf": [ref(_schema_name(one)) for one in EVENT_TYPES],
        },
        **{_schema_name(one): item_schema(one) for one in EVENT_TYPES},
        "Flag": FLAG_SCHEMA,
        **answer_schemas(PATH_KINDS),
    }


def _schema_name(event_type: EventType) -> str:
    return event_type.model.__name__


def _request() -> dict[str, Any]:
    return {
        "tags": ["Events"],
        "summary": "Consumes FastTrack events.",
        "description": f"{REQUEST_TEXT}\n\n{LIMITS_TEXT}",
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
            "content": {JSON: {"schema": ref("Batch"), "examples": _examples()}},
        },
        "responses": {
            "204": {
                "description": "All of it is durably stored. No body.",
                "headers": SUCCESS_HEADERS,
            },
            "200": {
                **_ok(ref("Report"), "The outcome of each item; only if asked for."),
                "headers": SUCCESS_HEADERS,
            },
            **_refusals(PATH_KINDS),
        },
    }


def _refusals(kinds: Iterable[AnswerKind]) -> dict[str, Any]:
    by_status: defaultdict[int, list[AnswerKind]] = defaultdict(list)
    for kind in kinds:
        by_status[kind.status].append(kind)
    return {str(status): _refusal(kinds) for status, kinds in sorted(by_status.items())}


def _refusal(kinds: list[AnswerKind]) -> dict[str, Any]:
    """The answers of one status."""
    schemas = [ref(error_name(kind)) for kind in kinds]
    examples = {kind.code: {"summary": kind.advice, "value": error_example(kind)} for kind in kinds}
    schema = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
    return {
        "description": " ".join(f"`{kind.code}`: {kind.advice}" for kind in kinds),
        "headers": _headers(kinds),
        "content": {JSON: {"schema": schema, "examples": examples}},
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
        "schema": ref("Flag"),
    }


def _health(name: str, summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    return {
        "tags": ["Health"],
        "operationId": name,
        "summary": summary,
        "security": [],
        "responses": {**responses, **_refusals(HEALTH_KINDS)},
    }


def _ok(schema: dict[str, Any], description: str = "Yes.") -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": schema}}}


def _version() -> str:
    try:
        return version("railhead")
    except PackageNotFoundError:
        return "0"
