"""The refusals of the ingest API: status, code and advice of each, in one table.

ApiError           a refusal of the whole request, raised where it is found
  its `kind`       one row of the table
  its text         what is wrong and where; never a key, never a value from the payload
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class AnswerKind:
    """One kind of refusal: `advice` is what the client should do about it."""

    status: int
    code: str
    advice: str
    level: int = logging.INFO
    retry_after_seconds: int | None = None


PARAMETER: Final = AnswerKind(
    400,
    "unknown_parameter",
    "The query may hold report and dry_run, each 1 or 0, and no more; nothing was stored.",
)
FORBIDDEN: Final = AnswerKind(
    403, "forbidden", "Send a valid key of your tenant in the header x-api-key.", logging.WARNING
)
BAD_REQUEST: Final = AnswerKind(400, "bad_request", "Send a well-formed HTTP/1.1 request.")
NOT_FOUND: Final = AnswerKind(404, "not_found", "See /openapi.json for the paths.")
METHOD_NOT_ALLOWED: Final = AnswerKind(
    405, "method_not_allowed", "Use a method of the header Allow."
)
BODY_TOO_SLOW: Final = AnswerKind(
    408, "body_too_slow", "Send the same batch again; nothing of it was stored.", logging.WARNING
)
BODY_TOO_LARGE: Final = AnswerKind(413, "body_too_large", "Split the batch and send the parts.")
TOO_MANY_ITEMS: Final = AnswerKind(413, "too_many_items", "Split the batch and send the parts.")
MEDIA_TYPE: Final = AnswerKind(415, "media_type", "Send Content-Type: application/json.")
CONTENT_ENCODING: Final = AnswerKind(
    415, "content_encoding", "Send the body as it is, or as gzip, deflate or zstd."
)
NOT_A_BATCH: Final = AnswerKind(
    422, "not_a_batch", 'Send a JSON array of {"event", "data"} items as the whole body.'
)
INTERNAL: Final = AnswerKind(
    500, "internal", "Send the same batch again; repeats are harmless.", logging.ERROR, 5
)
OVERLOADED: Final = AnswerKind(
    503, "overloaded", "Send the same batch again after Retry-After.", logging.WARNING, 1
)
NOT_READY: Final = AnswerKind(
    503, "not_ready", "Send the same batch again after Retry-After.", logging.WARNING, 2
)
NOT_STORED: Final = AnswerKind(
    510,
    "not_stored",
    "Send the whole batch again after Retry-After; what was stored already is not counted twice.",
    logging.ERROR,
    1,
)

KINDS: Final[tuple[AnswerKind, ...]] = (
    BAD_REQUEST, PARAMETER, FORBIDDEN, NOT_FOUND, METHOD_NOT_ALLOWED, BODY_TOO_SLOW, BODY_TOO_LARGE,
    TOO_MANY_ITEMS, MEDIA_TYPE, CONTENT_ENCODING, NOT_A_BATCH, INTERNAL, OVERLOADED, NOT_READY,
    NOT_STORED,
)  # fmt: skip


class ApiError(Exception):
    """The whole request is refused: `kind` says how, the text says what and where."""

    def __init__(
        self,
        kind: AnswerKind,
        what: str,
        *,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(what)
        self.kind = kind
        self.details = details or {}
        self.headers = headers or {}

    def body(self, request_id: str) -> dict[str, Any]:
        """The answer's JSON body."""
        return {
            "error": self.kind.code,
            "message": f"{self}. {self.kind.advice}",
            "request_id": request_id,
            **self.details,
        }

    def all_headers(self) -> dict[str, str]:
        """The headers of this answer, besides those that every answer has."""
        seconds = self.kind.retry_after_seconds
        return self.headers if seconds is None else {**self.headers, "Retry-After": str(seconds)}
