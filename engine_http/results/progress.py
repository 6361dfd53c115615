"""Tells a client that waits how far its statement is, in headers, as a server does.

With `send_progress_in_http_headers=1` a header X-ClickHouse-Progress is sent again and again until
the result begins. The status line goes out with the first one, before it is known how the
statement ends: an error after that has status 200, and X-ClickHouse-Exception-Code names it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from aiohttp import web

from engine_http.results.summary import Counts

# Python's clients take a hundred headers. With this share of the time that has passed as the least
# interval, a statement of an hour has ninety.
_LEAST_SHARE: Final = 0.1


class ProgressHeaders:
    """The progress of one request; until its first header nothing has been sent."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._started = time.monotonic()
        self._line = ""

    @contextlib.asynccontextmanager
    async def sent(self, every_seconds: float, counts: Counts) -> AsyncIterator[None]:
        """Send *counts* at this interval for the length of a block; never if it is 0."""
        if not every_seconds:
            yield
            return
        sending = asyncio.create_task(self._send(every_seconds, counts))
        try:
            yield
        finally:
            sending.cancel()
            await asyncio.wait([sending])

    async def _send(self, every_seconds: float, counts: Counts) -> None:
        passed = 0.0
        # A client that has left is noticed by the server, which cancels the request.
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.sleep(max(every_seconds, passed * _LEAST_SHARE))
                passed = time.monotonic() - self._started
                first = not self._line
                self._line = f"X-ClickHouse-Progress: {counts.latest.header(passed)}"
                status = f"{self._status_line()}\r\n" if first else ""
                await self._request.writer.write(f"{status}{self._line}\r\n".encode())

    def _status_line(self) -> str:
        version = self._request.version
        return f"HTTP/{version.major}.{version.minor} 200 OK"

    def rest_of(self, response: web.StreamResponse) -> web.StreamResponse:
        """The same answer, or what is left of it to be sent."""
        if not self._line or response.prepared or not isinstance(response, web.Response):
            return response
        return _Continued(self._line, body=response.body, headers=response.headers)

    def stream(self, headers: Mapping[str, str]) -> web.StreamResponse:
        """An answer to be written in chunks."""
        if self._line:
            response: web.StreamResponse = _Continued(self._line, headers=headers)
        else:
            response = web.StreamResponse(headers=headers)
        response.enable_chunked_encoding()
        return response


# The progress of a request, found in the request.
PROGRESS: Final = web.RequestKey("progress", ProgressHeaders)


class _Continued(web.Response):
    """An answer whose status line has been sent; *line* is a header to begin the rest with."""

    def __init__(self, line: str, **options: Any) -> None:
        super().__init__(**options)
        self._line = line

    async def _write_headers(self) -> None:
        # The server writes the status line and all headers at once, and knows no other way.
        assert self._payload_writer is not None  # noqa: S101 -- set before this is called
        await self._payload_writer.write_headers(self._line, self._headers)
