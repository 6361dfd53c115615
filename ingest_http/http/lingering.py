"""Keeps a connection open after an answer that was sent before the end of the request's body.

A client that is still sending reads the answer only later, or as soon as it notices it. If the
connection were closed with unread bytes, the system would reset it, and many clients would lose the
answer, take it for a network failure and send the same body again. So the answer is sent at once,
our side is closed for writing, and what still arrives is read and discarded: for a bounded time, up
to a bounded number of bytes, on a bounded number of connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestPayloadError

MIB: Final = 1024 * 1024
# The rest of a smaller body is read to its end, so that the connection can be used again.
SMALL_BYTES: Final = 256 * 1024
# How often a lingering connection checks whether it must end.
LOOK_SECONDS: Final = 0.5


@dataclass(slots=True)
class Lingering:
    """The bounds of one process, and how many connections linger now."""

    seconds: float = 30.0
    bytes: int = 64 * MIB
    connections: int = 500
    now: int = 0

    async def answer(
        self, request: web.BaseRequest, response: web.Response, is_over: Callable[[], bool]
    ) -> None:
        """Send *response* and read on, until the client is done or a bound is reached.

        Beyond the bound of connections the answer is sent and nothing is read. *is_over* ends it
        early.
        """
        closes = not _is_small(request)
        if closes:
            response.force_close()
        await response.prepare(request)
        await response.write_eof()
        if self.now >= self.connections:
            return
        self.now += 1
        try:
            if closes:
                _close_sending_side(request)
            await self._discard(request, is_over)
        except (ConnectionError, RequestPayloadError):
            pass  # The client has closed the connection, as expected.
        finally:
            self.now -= 1

    async def _discard(self, request: web.BaseRequest, is_over: Callable[[], bool]) -> None:
        clock = asyncio.get_running_loop().time
        until, left = clock() + self.seconds, self.bytes
        while not request.content.is_eof() and left > 0 and clock() < until and not is_over():
            try:
                async with asyncio.timeout(min(LOOK_SECONDS, until - clock())):
                    left -= len(await request.content.readany())
            except TimeoutError:
                continue


def is_unread(request: web.BaseRequest) -> bool:
    """Tell whether some of the request's body has not arrived yet."""
    return not request.content.is_eof()


def _is_small(request: web.BaseRequest) -> bool:
    expects = "Expect" in request.headers  # Such a client may not send its body now.
    length = request.content_length
    return not expects and length is not None and length <= SMALL_BYTES


def _close_sending_side(request: web.BaseRequest) -> None:
    transport = request.transport
    if transport is not None and transport.can_write_eof() and not transport.is_closing():
        transport.write_eof()
