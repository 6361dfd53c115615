"""How does the result of a SELECT get from the engine to the client?

A result that ends soon is sent whole, with its status and counts. A larger one is streamed at the
client's pace through a pipe, and memory stays flat. A client that leaves ends its statement.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from aiohttp import web

from railhead.clickhouse import answer, log, native
from railhead.clickhouse.errors import ClickHouseError
from railhead.clickhouse.lanes import Lane
from railhead.clickhouse.pipe import ResultPipe
from railhead.clickhouse.request import Query
from railhead.clickhouse.summary import Summary

# Up to here a result is held back, so that an error can still change the status.
_HOLD_BYTES = 1 << 20
# With wait_end_of_query the client asked for all of it at once; this is what it may ask for.
_HOLD_WHOLE_BYTES = 256 << 20


class SelectWork(Protocol):
    """Runs the statement on a thread and writes its result to the pipe."""

    def __call__(self, pipe: ResultPipe | None) -> tuple[bytes, Summary]:
        """Return what did not go through the pipe, and the counts."""


class Selection:
    """One SELECT being answered."""

    def __init__(
        self,
        request: web.Request,
        query: Query,
        head: answer.Headers,
        version: str,
        *,
        woven: bool,
    ) -> None:
        self._request = request
        self._query = query
        self._head = head
        self._version = version
        self._woven = woven
        self._started = time.monotonic()

    async def answer(
        self, lane: Lane, work: SelectWork, *, kill: Callable[[str], Awaitable[None]]
    ) -> web.StreamResponse:
        """Run *work* in *lane* and send its result."""
        await lane.enter()
        pipe = ResultPipe()
        outcome = lane.start(functools.partial(work, pipe))
        try:
            return await self._send(pipe, outcome)
        except BaseException:
            # Nobody reads any more, and the engine does not notice that by itself.
            if not outcome.done():
                await asyncio.shield(kill(self._query.query_id))
            raise
        finally:
            pipe.close()

    async def _send(
        self, pipe: ResultPipe, outcome: asyncio.Future[tuple[bytes, Summary]]
    ) -> web.StreamResponse:
        chunks = native.woven(pipe.chunks()) if self._woven else pipe.chunks()
        limit_bytes = _HOLD_WHOLE_BYTES if self._query.wait_end else _HOLD_BYTES
        held = await _hold(chunks, limit_bytes)
        if len(held) > limit_bytes:
            return await self._stream(held, chunks, outcome)
        rest, summary = await asyncio.shield(outcome)
        counts = summary.header(time.monotonic() - self._started)
        head = {**self._head, "X-ClickHouse-Summary": counts}
        return await answer.whole(self._query, held + rest, head)

    async def _stream(
        self,
        held: bytes,
        chunks: AsyncIterator[bytes],
        outcome: asyncio.Future[tuple[bytes, Summary]],
    ) -> web.StreamResponse:
        stream = answer.Stream(self._request, self._query, self._head)
        await stream.send(held, chunks)
        try:
            await asyncio.shield(outcome)
        except ClickHouseError as failure:
            log.failure(failure, self._query, time.monotonic() - self._started)
            await stream.fail(failure, self._version)
        else:
            await stream.finish()
        return stream.response


async def _hold(chunks: AsyncIterator[bytes], limit_bytes: int) -> bytes:
    """Collect what the engine writes, until it ends or there is more than *limit_bytes*."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        if len(held) > limit_bytes:
            break
    return bytes(held)
