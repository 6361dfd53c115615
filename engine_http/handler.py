"""Answers one request: takes it apart, runs it on a worker pool and sends the result."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from aiohttp import web

from engine_http import log
from engine_http.engine.engine import Engine
from engine_http.engine.errors import ClickHouseError, Code
from engine_http.execution import jobs
from engine_http.execution.jobs import Call
from engine_http.execution.pools import ReadPools, WorkerPool
from engine_http.execution.running import Running, id_to_kill
from engine_http.execution.sessions import Sessions
from engine_http.execution.trials import Trials
from engine_http.execution.work import Work
from engine_http.http import auth, body
from engine_http.http import request as requests
from engine_http.http.auth import User
from engine_http.http.body import Bodies
from engine_http.http.request import Query
from engine_http.http.spool import Spool
from engine_http.results import answer, native
from engine_http.results.progress import PROGRESS, ProgressHeaders
from engine_http.results.read_statement import ReadPlan, ReadStatement
from engine_http.statements.lowering import lowered, lowered_in
from engine_http.statements.own_processes import (
    asks_for_processes,
    with_client_ids,
    with_processes,
)
from engine_http.statements.statement import STATEFUL, Insert, Statement, inspect
from engine_http.statements.user_name import with_user
from engine_http.threads import ended, on_thread

# The long pool's threads times an analyst's memory, plus the short pool's times a trial's, are what
# all analysts together may use: half of the engine's memory.
_ANALYSTS_LONG = 2
_ANALYSTS_SHORT = 16
# How much longer than its statement an analyst's answer may take to be sent.
_GRACE_SECONDS = 5.0
_KILL_AGAIN_SECONDS = 0.1
_TIDY_SECONDS = 5.0
_WATCH_SECONDS = 0.5
_LOOK_SECONDS = 0.2
_WORTH_A_THREAD_BYTES = 1 << 16


T = TypeVar("T")


class Handler:
    """Answers statements on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._work = Work(engine)
        self._bodies = Bodies(engine.spool_directory)
        self._inserts = WorkerPool("insert", width=4)
        self._commands = WorkerPool("command", width=4)
        self._owner = ReadPools("owner", long=4, short=16)
        self._analysts = ReadPools("analyst", long=_ANALYSTS_LONG, short=_ANALYSTS_SHORT)
        self._control = WorkerPool("control", width=1, queue=1000)
        self._running = Running()
        self._trials = Trials(self._overdue)
        self._sessions = Sessions()
        self._stopping = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; every failure becomes ClickHouse's error."""
        query: Query | None = None
        started = time.monotonic()
        progress = request[PROGRESS] = ProgressHeaders(request)
        try:
            query = requests.parse(request.method, request.query.items(), request.headers)
            user = self._admit(query)
            most_bytes = body.MAX_EXTERNAL_BYTES if user.guarded else body.MAX_BODY_BYTES
            query = await body.with_form(request, query, self._bodies, most_bytes=most_bytes)
            with contextlib.ExitStack() as stack:
                for table in query.external:
                    stack.enter_context(table.rows)
                stack.enter_context(self._running.entered(query.query_id, user.name))
                answered = await self._answer(request, user, query)
                return progress.rest_of(answered)
        except ClickHouseError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 -- a bug of ours must not end the process
            log.unexpected(error)
            failure = ClickHouseError(Code.UNKNOWN_EXCEPTION, "This server failed; see its log")
        log.failure(failure, query, time.monotonic() - started)
        return progress.rest_of(answer.error(failure, self._common(query), self._engine.version))

    def _common(self, query: Query | None) -> answer.Headers:
        return answer.headers(self._engine.timezone, query)

    def _admit(self, query: Query) -> User:
        """Authenticate the user; refuse what this process does for nobody."""
        user = auth.authenticate(query.user, query.password)
        if self._stopping:
            raise ClickHouseError(Code.ABORTED, "The server is shutting down")
        if query.role and query.role != user.role:
            raise ClickHouseError(Code.SET_NON_GRANTED_ROLE, f"Role {query.role} is not granted")
        return user

    async def _answer(self, request: web.Request, user: User, query: Query) -> web.StreamResponse:
        most_bytes = body.MAX_STATEMENT_BYTES if user.guarded else body.MAX_BODY_BYTES
        with await self._bodies.read(request, query, most_bytes=most_bytes) as rest:
            if request.method == "GET" and not query.url_text and not rest.size:
                return web.Response(text="Ok.\n")
            async with self._sessions.entered(user, query) as session:
                call = Call(user, query, session)
                return await self._run(request, call.with_session(), rest)

    async def _run(self, request: web.Request, call: Call, rest: Spool) -> web.StreamResponse:
        """Run the statement, which may begin in the URL and continue in the body."""
        url_text = call.query.url_text
        statement = await _inspected(url_text or rest.read(0, body.MAX_STATEMENT_BYTES))
        if isinstance(statement, Insert):
            rows = await self._rows(statement, url_text, rest)
            try:
                return await self._insert(call, statement, rows)
            finally:
                if rows is not rest:
                    rows.close()
        if rest.size + len(url_text) > body.MAX_STATEMENT_BYTES:
            raise ClickHouseError(
                Code.QUERY_IS_TOO_LARGE,
                f"A statement may have {body.MAX_STATEMENT_BYTES:,} bytes, not counting rows",
            )
        if url_text and rest.size:
            statement = await _inspected(url_text + b"\n" + rest.read())
        if isinstance(statement, Insert):
            raise ClickHouseError(Code.SYNTAX_ERROR, "An INSERT must begin in the URL")
        if not call.user.guarded:
            statement = _rewritten(statement, with_client_ids(statement.text))
            return await self._execute(request, call, statement, {})
        if statement.verb == b"KILL":
            return await self._kill_own(call, id_to_kill(statement.text))
        caps = self._engine.limits.capped()
        text = await self._with_own_processes(call, with_user(statement.text, call.user.name))
        text, changed = lowered_in(text, caps)
        statement = _rewritten(statement, text)
        requested = call.query.settings
        changed |= dict(lowered(requested, caps).items() - requested.items())
        return await self._execute(request, call, statement, answer.lowered_headers(changed))

    async def _rows(self, statement: Insert, url_text: bytes, rest: Spool) -> Spool:
        """The rows of an INSERT: what follows it in the URL or the body, then the rest of it."""
        if url_text and statement.data_at == len(url_text):
            return rest
        rows = self._bodies.spool(body.MAX_BODY_BYTES)
        start = 0 if url_text else statement.data_at
        try:
            rows.write(url_text[statement.data_at :])
            return await on_thread(rows.write_all, rest.chunks(start))
        except BaseException:
            rows.close()
            raise

    async def _insert(self, call: Call, statement: Insert, rows: Spool) -> web.Response:
        user = call.user
        if call.query.read_only or user.guarded:
            code = Code.ACCESS_DENIED if user.guarded else Code.READONLY
            raise ClickHouseError(code, f"{user.name}: Cannot execute query in readonly mode")
        started = time.monotonic()
        work = functools.partial(self._work.store, call, statement, rows)
        summary = await _finished(self._inserts, call, work)
        counts = {"X-ClickHouse-Summary": summary.header(time.monotonic() - started)}
        return web.Response(headers={**self._common(call.query), **counts})

    async def _execute(
        self, request: web.Request, call: Call, statement: Statement, more: answer.Headers
    ) -> web.StreamResponse:
        query, guarded = call.query, call.user.guarded
        output_format = jobs.output_format_of(query, statement)
        head = self._common(query) | more
        if statement.verb not in STATEFUL:
            head = answer.result_headers(head, output_format)
        if not statement.repeats and not guarded:
            async with request[PROGRESS].sent(query.progress_seconds, call.counts):
                return await self._command(call, statement, head)
        plan = ReadPlan(
            work=functools.partial(self._work.read, call, statement),
            kill=functools.partial(self._kill, query.query_id),
            hold=call.hold_session,
            counts=call.counts,
            piped=statement.reads,
            native=output_format == jobs.NATIVE,
            flagged=query.protocol_version >= native.FLAGGED_SINCE,
            most_seconds=self._most_seconds(query) if guarded else None,
        )
        pools = self._analysts if guarded else self._owner
        read = ReadStatement(request, query, plan, head)
        return await read.respond(pools, self._trials, self._engine.version)

    def _most_seconds(self, query: Query) -> float:
        """How long an analyst's answer may take, sending included."""
        requested = query.settings.get("max_execution_time", "")
        most = self._engine.limits.execution_seconds
        return (
            min(int(requested), most) if requested.isascii() and requested.isdigit() else most
        ) + _GRACE_SECONDS

    async def _command(
        self, call: Call, statement: Statement, head: answer.Headers
    ) -> web.StreamResponse:
        started = time.monotonic()
        work = functools.partial(self._work.command, call, statement)
        result, summary = await _finished(self._commands, call, work)
        if not result:
            head = self._common(call.query)  # without a result there is no format
        head["X-ClickHouse-Summary"] = summary.header(time.monotonic() - started)
        return await answer.whole(call.query, result, head)

    async def _kill_own(self, call: Call, query_id: str) -> web.StreamResponse:
        """Stop a statement of the same user; an unknown one, or another user's, gives no row."""
        head = answer.result_headers(self._common(call.query), jobs.DEFAULT_FORMAT)
        if not self._running.belongs_to(query_id, call.user.name):
            return await answer.whole(call.query, b"", head)
        await self._kill(query_id)
        row = f"waiting\t{query_id}\t{call.user.name}\t\n"
        return await answer.whole(call.query, row.encode(), head)

    async def _with_own_processes(self, call: Call, text: bytes) -> bytes:
        if not asks_for_processes(text):
            return text
        user = call.user.name
        ids = self._running.ids_of(user)
        work = functools.partial(self._work.processes, ids, user)
        return with_processes(text, await self._control.run(work))

    async def _kill(self, query_id: str) -> None:
        await self._control.run(functools.partial(self._work.kill, query_id))

    async def _overdue(self, query_ids: Sequence[str]) -> Sequence[str]:
        return await self._control.run(functools.partial(self._work.overdue, query_ids))

    async def housekeeping(self) -> None:
        """Run the periodic tasks until cancelled.

        They close expired sessions, end the process soon after a merge could not be written, and
        stop trials whose time is over.
        """
        watch_disk = functools.partial(self._control.run, self._work.watch_disk)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_every(_TIDY_SECONDS, self._sessions.close_expired))
            tasks.create_task(_every(_WATCH_SECONDS, watch_disk))
            tasks.create_task(_every(_LOOK_SECONDS, self._trials.end_overdue))

    async def stop_reads(self) -> None:
        """Refuse new statements and stop the running SELECTs; inserts go on.

        A statement that waits for a thread cannot be stopped yet, so stopping is repeated.
        """
        self._stopping = True
        self._owner.refuse()
        self._analysts.refuse()
        while self._owner.busy or self._analysts.busy:
            await self._control.run(self._work.kill_reads)
            await asyncio.sleep(_KILL_AGAIN_SECONDS)

    def close(self) -> None:
        """Wait for running statements and close every connection; blocks."""
        pools = (self._inserts, self._commands, self._owner, self._analysts, self._control)
        for pool in pools:
            pool.close()
        self._work.close()
        self._sessions.close()


def _rewritten(statement: Statement, text: bytes) -> Statement:
    """*statement* with another *text*."""
    if text == statement.text:
        return statement
    again = inspect(text)
    return again if isinstance(again, Statement) else statement


async def _every(seconds: float, step: Callable[[], Awaitable[None]]) -> None:
    """Repeat *step*; a failure is logged and does not end the repetition."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await step()
        except ClickHouseError as error:
            log.unexpected(error)


async def _finished(pool: WorkerPool, call: Call, work: Callable[[], T]) -> T:
    """Run *work* to its end, even if the client leaves; its session is held until then."""
    await pool.enter()
    outcome = pool.start(work)
    call.hold_session(outcome)
    return await ended(outcome)


async def _inspected(text: bytes) -> Insert | Statement:
    """Take a text apart; a long one on a thread, not on the event loop."""
    if len(text) < _WORTH_A_THREAD_BYTES:
        return inspect(text)
    return await on_thread(inspect, text)
