"""Connections: answers broken HTTP in JSON and bounds the number of connections."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from ingest_http.answers import BAD_REQUEST, ApiError
from ingest_http.http.replies import refusal

log = logging.getLogger(__name__)


class Protocol(RequestHandler):
    """aiohttp's connection, with our JSON where HTTP itself is broken."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer bytes that are not an HTTP request, without repeating them."""
        del request, message
        log.info("not HTTP", extra={"status": status, "reason": type(exc).__name__})
        error = ApiError(BAD_REQUEST, "This is not an HTTP/1.1 request")
        response = refusal(error, "")
        response.force_close()
        return response

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or close it at once if there are too many."""
        super().connection_made(transport)
        if isinstance(self._manager, Server) and self._manager.is_full():
            self.force_close()


class Server(web.Server):
    """aiohttp's low-level server with that protocol and a bound on connections."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        max_connections: int,
        **options: Any,
    ) -> None:
        super().__init__(handler, **options)
        self._max_connections = max_connections

    def is_full(self) -> bool:
        """Tell whether there are more connections than there may be."""
        return len(self._connections) > self._max_connections

    def __call__(self) -> RequestHandler:
        """Make the protocol of a new connection."""
        return Protocol(self, loop=self._loop, **self._kwargs)
