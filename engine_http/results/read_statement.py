"""Sends the result of a reading statement from the engine to the client.

A small result is sent complete, with its status and counts. One that is larger, or still being made
a tenth of a second after its first bytes, is streamed at the client's pace through a pipe, and
memory stays flat; its counts are those at that moment. `wait_end_of_query` has all of it sent
complete. When a client leaves, its statement is stopped.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from engine_http import log
from engine_http.engine.errors import ClickHouseError, Code
from engine_http.execution.attempt import Attempt, ReadWork
from engine_http.execution.pools import ReadPools, WorkerPool
from engine_http.execution.trials import Trials
from engine_http.http.request import Query
from engine_http.results import answer, native
from engine_http.results.progress import PROGRESS
from engine_http.results.summary import Counts, Summary

# So much of a result is buffered, for so long, so that an error can still change the status. The
# engine itself writes a mebibyte at once, or all that there is at the end.
_BUFFER_BYTES: Final = 1 << 20
_HOLD_SECONDS: Final = 0.1
# With wait_end_of_query the whole result is buffered; this is the most.
_WHOLE_BYTES: Final = 256 << 20
# Errors of a trial's smaller limits: the full limits may allow the statement.
_PAST_THE_TRIAL: Final = frozenset({Code.MEMORY_LIMIT_EXCEEDED, Code.SETTING_CONSTRAINT_VIOLATION})


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """A reading statement ready to run: how it runs, how it is stopped, and how long it may take.

    *hold* is called with every run: nobody else may use its session until the run has ended.
    *counts* are those of the run under way. *piped* says whether its result may be large. *native*
    results are rewritten, with flags if *flagged*. *most_seconds* is how long it may take in all, a
    slow client included; None for no limit.
    """

    work: ReadWork
    kill: Callable[[], Awaitable[None]]
    hold: Callable[[asyncio.Future[Any]], None]
    counts: Counts
    piped: bool
    native: bool
    flagged: bool
    most_seconds: float | None


class ReadStatement:
    """One reading statement being answered."""

    def __init__(
        self, request: web.Request, query: Query, plan: ReadPlan, head: answer.Headers
    ) -> None:
        self._request = request
        self._query = query
        self._plan = plan
        self._head = head
        self._started = time.monotonic()
        self._stream: answer.AnswerStream | None = None

    async def respond(self, pools: ReadPools, trials: Trials, version: str) -> web.StreamResponse:
        """Run the statement in *pools* and send its result."""
        pool = await pools.enter()
        if pool is pools.short:
            answered = await self._trial(pool, trials)
            if answered is not None:
                return answered
            await pools.long.enter()
        return await self._run(pools.long, version)

    async def _trial(self, pool: WorkerPool, trials: Trials) -> web.Response | None:
        """Answer a statement that ends within its trial; None when it does not."""
        attempt = self._begin(pool, trial=True)
        try:
            async with trials.limited(self._query.query_id):
                buffered, complete = await _buffered(self._chunks(attempt), _BUFFER_BYTES)
                if not complete:
                    return None
                rest, summary = await asyncio.shield(attempt.outcome)
        except TimeoutError:
            return None
        except ClickHouseError as failure:
            if failure.code not in _PAST_THE_TRIAL:
                raise
            return None
        finally:
            await self._end(attempt)
        return await self._whole(buffered + rest, summary)

    async def _run(self, pool: WorkerPool, version: str) -> web.StreamResponse:
        attempt = self._begin(pool, trial=False)
        try:
            async with asyncio.timeout(self._plan.most_seconds):
                return await self._send(attempt, version)
        except TimeoutError:
            if self._stream is None:
                raise ClickHouseError(Code.TIMEOUT_EXCEEDED, "Timeout exceeded") from None
            log.line("client too slow", level="warning", query_id=self._query.query_id)
            self._stream.abort()
            return self._stream.response
        finally:
            await self._end(attempt)

    def _begin(self, pool: WorkerPool, *, trial: bool) -> Attempt:
        attempt = Attempt(pool, self._plan.work, piped=self._plan.piped, trial=trial)
        self._plan.hold(attempt.outcome)
        return attempt

    async def _end(self, attempt: Attempt) -> None:
        if not attempt.outcome.done():
            await asyncio.shield(attempt.end(self._plan.kill))
        else:
            await attempt.end(self._plan.kill)

    def _chunks(self, attempt: Attempt) -> AsyncIterator[bytes]:
        if not self._plan.native:
            return attempt.chunks()
        return native.woven(attempt.chunks(), flagged=self._plan.flagged, zones=attempt.zones)

    async def _send(self, attempt: Attempt, version: str) -> web.StreamResponse:
        query, counts = self._query, self._plan.counts
        chunks = self._chunks(attempt)
        async with self._request[PROGRESS].sent(query.progress_seconds, counts):
            if query.wait_end:
                buffered, complete = await _buffered(chunks, _WHOLE_BYTES)
            else:
                buffered, complete = await _buffered(chunks, _BUFFER_BYTES, _HOLD_SECONDS)
            if complete:
                rest, summary = await asyncio.shield(attempt.outcome)
        if complete:
            return await self._whole(buffered + rest, summary)
        head = self._with_counts(counts.latest)
        self._stream = answer.AnswerStream(self._request, query, head)
        await self._stream.send(buffered, chunks)
        await self._close(self._stream, attempt, version)
        return self._stream.response

    async def _close(self, stream: answer.AnswerStream, attempt: Attempt, version: str) -> None:
        """End a streamed answer: complete, or with the statement's error."""
        try:
            await asyncio.shield(attempt.outcome)
        except ClickHouseError as failure:
            log.failure(failure, self._query, time.monotonic() - self._started)
            await stream.fail(failure, version)
        else:
            await stream.finish()

    async def _whole(self, body: bytes, summary: Summary) -> web.Response:
        if self._plan.native and self._plan.flagged and not self._plan.piped:
            body, _ = native.weave(body)
        return await answer.whole(self._query, body, self._with_counts(summary))

    def _with_counts(self, summary: Summary) -> answer.Headers:
        counts = summary.header(time.monotonic() - self._started)
        return {**self._head, "X-ClickHouse-Summary": counts}


async def _buffered(
    chunks: AsyncIterator[bytes], limit_bytes: int, hold_seconds: float = math.inf
) -> tuple[bytes, bool]:
    """Buffer what the engine writes; return it, and whether that is all of it.

    It is not if there is more than *limit_bytes*, or more may come and the first of it has been
    here for *hold_seconds*.
    """
    buffered = bytearray()
    send_at = math.inf
    async for chunk in chunks:
        if chunk and not buffered:
            send_at = time.monotonic() + hold_seconds
        buffered += chunk
        if len(buffered) > limit_bytes or time.monotonic() >= send_at:
            return bytes(buffered), False
    return bytes(buffered), True
