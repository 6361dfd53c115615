"""Builds HTTP replies: JSON with the request's id, or no body at all."""

from __future__ import annotations

import re
import secrets
from typing import Any, Final

import orjson
from aiohttp import web

from ingest_http.answers import ApiError

REQUEST_ID_HEADER: Final = "X-Request-Id"
REQUEST_ID_SHAPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
REQUEST_ID_KEY: Final = web.RequestKey("request_id", str)


def request_id_of(request: web.BaseRequest) -> str:
    """The request's id: the client's own if it has the right form, else a new one."""
    known: str | None = request.get(REQUEST_ID_KEY)
    if known is None:
        sent = request.headers.get(REQUEST_ID_HEADER, "")
        known = sent if REQUEST_ID_SHAPE.fullmatch(sent) else secrets.token_hex(16)
        request[REQUEST_ID_KEY] = known
    return known


def empty(status: int) -> web.Response:
    """An answer without a body."""
    return web.Response(status=status)


def json_reply(
    status: int, body: dict[str, Any], headers: dict[str, str] | None = None
) -> web.Response:
    """An answer with a JSON body."""
    return web.Response(
        status=status,
        body=orjson.dumps(body) + b"\n",
        content_type="application/json",
        headers=headers,
    )


def refusal(error: ApiError, request_id: str) -> web.Response:
    """The answer for *error*."""
    return json_reply(error.kind.status, error.body(request_id), error.all_headers())
