"""What does one request go through? From its words to a lane of the engine and back."""

from __future__ import annotations

import asyncio
import functools
import time

from aiohttp import web

from railhead.clickhouse import answer, auth, body, jobs, log, native
from railhead.clickhouse import request as requests
from railhead.clickhouse.auth import User
from railhead.clickhouse.engine import Engine
from railhead.clickhouse.errors import ClickHouseError, Code
from railhead.clickhouse.jobs import Call
from railhead.clickhouse.lanes import Lane
from railhead.clickhouse.request import Query
from railhead.clickhouse.running import Running
from railhead.clickhouse.selection import Selection
from railhead.clickhouse.sessions import Sessions
from railhead.clickhouse.statement import Insert, Statement, inspect
from railhead.clickhouse.work import Work

_KILL_AGAIN_SECONDS = 0.1
_TIDY_SECONDS = 5.0
_WATCH_SECONDS = 0.5
_WORTH_A_THREAD_BYTES = 1 << 16


class Handler:
    """Answers statements on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._work = Work(engine)
        self._inserts = Lane("insert", width=4, queue=64, patience_seconds=60.0)
        self._owner = Lane("owner", width=4, queue=64, patience_seconds=60.0)
        self._analysts = Lane("analyst", width=2, queue=64, patience_seconds=30.0)
        self._control = Lane("control", width=1, queue=1000, patience_seconds=60.0)
        self._running = Running()
        self._sessions = Sessions()
        self._stopping = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; every failure becomes ClickHouse's error."""
        query: Query | None = None
        started = time.monotonic()
        try:
            query = requests.parse(request.method, request.query.items(), request.headers)
            user = self._admit(query)
            query = await body.with_form(request, query)
            with self._running.entered(query.query_id):
                return await self._answer(request, user, query)
        except ClickHouseError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 -- a mistake of ours must not end the process
            log.surprise(error)
            failure = ClickHouseError(Code.UNKNOWN_EXCEPTION, "This server failed; see its log")
        log.failure(failure, query, time.monotonic() - started)
        return answer.error(failure, self._common(query), self._engine.version)

    def _common(self, query: Query | None) -> answer.Headers:
        return answer.headers(self._engine.timezone, query)

    def _admit(self, query: Query) -> User:
        """Say who asks; refuse what this process cannot do for anybody."""
        user = auth.authenticate(query.user, query.password)
        if self._stopping:
            raise ClickHouseError(Code.ABORTED, "The server is shutting down")
        if query.compress_native:
            raise ClickHouseError(
                Code.NOT_IMPLEMENTED,
                "compress=1 is not supported here; use enable_http_compression=1 and "
                "Accept-Encoding: zstd, lz4, gzip or deflate",
            )
        if query.role and query.role != user.role:
            raise ClickHouseError(Code.SET_NON_GRANTED_ROLE, f"Role {query.role} is not granted")
        return user

    async def _answer(self, request: web.Request, user: User, query: Query) -> web.StreamResponse:
        rest = await body.read(request, query)
        if query.read_only and not query.url_text and not rest:
            return web.Response(text="Ok.\n")
        statement = await _inspected(query.url_text or rest)
        async with self._sessions.entered(user, query) as session:
            call = Call(user, query, session)
            if isinstance(statement, Insert):
                data = statement.data + rest if query.url_text else statement.data
                return await self._insert(call, statement, data)
            if query.url_text and rest:
                statement = await _inspected(query.url_text + b"\n" + rest)
            if isinstance(statement, Insert):
                raise ClickHouseError(Code.SYNTAX_ERROR, "An INSERT must begin in the URL")
            return await self._execute(request, call, statement)

    async def _insert(self, call: Call, statement: Insert, data: bytes) -> web.Response:
        user = call.user
        if call.query.read_only or user.guarded:
            code = Code.ACCESS_DENIED if user.guarded else Code.READONLY
            raise ClickHouseError(code, f"{user.name}: Cannot execute query in readonly mode")
        started = time.monotonic()
        summary = await self._inserts.run(
            functools.partial(self._work.store, call, statement, data)
        )
        counts = {"X-ClickHouse-Summary": summary.header(time.monotonic() - started)}
        return web.Response(headers={**self._common(call.query), **counts})

    async def _execute(
        self, request: web.Request, call: Call, statement: Statement
    ) -> web.StreamResponse:
        query = call.query
        lane = self._analysts if call.user.guarded else self._owner
        work = functools.partial(self._work.execute, call, statement)
        output_format = jobs.output_format_of(query, statement)
        head = answer.result_headers(self._common(query), output_format)
        woven = native.is_wanted(query.protocol_version, output_format)
        if statement.reads:
            selection = Selection(request, query, head, self._engine.version, woven=woven)
            return await selection.answer(lane, work, kill=self._kill)
        started = time.monotonic()
        result, summary = await lane.run(functools.partial(work, None))
        if woven:
            result, _ = native.weave(result)
        head["X-ClickHouse-Summary"] = summary.header(time.monotonic() - started)
        return await answer.whole(query, result, head)

    async def _kill(self, query_id: str) -> None:
        await self._control.run(functools.partial(self._work.kill, query_id))

    async def tidy(self) -> None:
        """Close sessions nobody came back to; runs until it is cancelled."""
        while True:
            await asyncio.sleep(_TIDY_SECONDS)
            await self._sessions.forget_expired()

    async def watch_disk(self) -> None:
        """End the process soon after a merge could not be written; runs until it is cancelled."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            await self._control.run(self._work.watch_disk)

    async def stop_reads(self) -> None:
        """Refuse new statements and stop the running SELECTs; inserts go on.

        A statement that waits for its place cannot be stopped yet, so it is tried again.
        """
        self._stopping = True
        while self._owner.busy or self._analysts.busy:
            await self._control.run(self._work.kill_reads)
            await asyncio.sleep(_KILL_AGAIN_SECONDS)

    def close(self) -> None:
        """Wait for what runs and close every connection; blocks."""
        for lane in (self._inserts, self._owner, self._analysts, self._control):
            lane.close()
        self._work.close()
        self._sessions.close()


async def _inspected(text: bytes) -> Insert | Statement:
    """Take a text apart, a long one beside the event loop."""
    if len(text) < _WORTH_A_THREAD_BYTES:
        return inspect(text)
    return await asyncio.to_thread(inspect, text)
