"""What runs on the worker pools: statements, each on a connection that fits it."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence

from engine_http.engine.connection import EngineConnection
from engine_http.engine.engine import Engine
from engine_http.execution import jobs, running
from engine_http.execution.external_tables import tables
from engine_http.execution.jobs import Call
from engine_http.execution.sessions import Session
from engine_http.http.auth import User
from engine_http.http.request import Query
from engine_http.http.spool import Spool
from engine_http.results.pipe import ResultPipe
from engine_http.results.summary import Summary
from engine_http.statements.limits import Limits
from engine_http.statements.own_processes import rows_sql
from engine_http.statements.statement import STATEFUL, Insert, Statement

# The guard's outcome is cached for short texts, a few hundred of them.
_WORTH_KEEPING_BYTES = 1 << 13
_KEPT = 500


class Work:
    """Blocking work on one engine; every method may be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._own = threading.local()  # each insert thread keeps its connection
        self._kept: list[EngineConnection] = []
        # Analysts' connections that wait for the next request, by profile.
        self._ready: defaultdict[str, list[EngineConnection]] = defaultdict(list)
        self._allowed: set[tuple[bytes, str, str]] = set()

    def store(self, call: Call, statement: Insert, rows: Spool) -> Summary:
        """Store the rows of an INSERT; when it returns, they are on disk."""
        session, query = call.session, call.query
        own = session.connection if session is not None else None
        connection = own or self._kept_connection()
        if own is None or query.database:
            connection.use(query.database or call.user.database)
        summary = jobs.insert(connection, query, statement, rows)
        self._engine.end_if_a_write_failed(connection)
        return summary

    def watch_disk(self) -> None:
        """End the process if a write to the disk has failed since it began."""
        self._engine.end_if_a_write_failed(self._kept_connection())

    def command(self, call: Call, statement: Statement) -> tuple[bytes, Summary]:
        """Run a statement of the owner that may change something; return its result."""
        return self.read(call, statement, None, trial=False)

    def read(
        self, call: Call, statement: Statement, pipe: ResultPipe | None, *, trial: bool
    ) -> tuple[bytes, Summary]:
        """Run a statement that brings no rows; *pipe* is finished in every case."""
        with contextlib.ExitStack() as stack:
            if pipe is not None:
                stack.callback(pipe.finish)
            if call.session is not None and _has_connection(call.session, call.user, statement):
                own = self._connection_of(call.session)
                stack.enter_context(tables(own, call.query.external))
                return jobs.run_in_session(own, call, statement, pipe)
            if call.user.guarded:
                limits = self._engine.limits.for_trial() if trial else self._engine.limits
                return self._read_guarded(call, statement, pipe, limits)
            connection = stack.enter_context(self._fresh())
            if call.query.external:
                connection.begin()
                stack.enter_context(tables(connection, call.query.external))
            jobs.prepare(connection, call.user, call.query)
            if statement.verb == b"KILL":
                known = running.with_engine_ids(connection, statement.text)
                statement = statement.replaced(known)
            return jobs.run(connection, call, statement, pipe)

    def _read_guarded(
        self, call: Call, statement: Statement, pipe: ResultPipe | None, limits: Limits
    ) -> tuple[bytes, Summary]:
        stateful = statement.verb in STATEFUL
        with self._guarded(call, limits, again=not stateful) as connection:
            if stateful:
                jobs.remember(connection, call, statement, limits)
                return b"", Summary()
            self._check(connection, call.query, statement)
            return jobs.run(connection, call, statement, pipe)

    def _check(self, connection: EngineConnection, query: Query, statement: Statement) -> None:
        """Refuse what an analyst may not run; a text that was allowed once is not parsed again."""
        if query.external:
            # Tables of the same name may have other types in another request: none is kept.
            jobs.check(connection, self._engine, query, statement)
            return
        parameters = str(query.parameters)
        key = (statement.text, parameters, jobs.output_format_of(query, statement))
        if key in self._allowed:
            return
        jobs.check(connection, self._engine, query, statement)
        if len(statement.text) + len(parameters) <= _WORTH_KEEPING_BYTES:
            if len(self._allowed) >= _KEPT:
                self._allowed = set()
            self._allowed.add(key)

    @contextlib.contextmanager
    def _guarded(self, call: Call, limits: Limits, *, again: bool) -> Iterator[EngineConnection]:
        """A connection with the analyst's role, for one request.

        Making one costs twice as much as a small statement. So one in the analyst's own database is
        used *again* if the statement succeeded and nothing of the request stays in it.
        """
        query, home = call.query, call.user.database
        ready = self._ready[limits.profile]
        again = again and query.database in ("", home)
        again = again and not query.read_only and not query.external
        connection: EngineConnection | None = None
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(IndexError):
                connection = ready.pop() if again else None
            connection = connection or self._engine.connect()
            stack.callback(connection.close)
            if query.external:
                connection.begin(limits.settings())
                stack.enter_context(tables(connection, query.external))
            if connection.database == home and query.database:
                connection.check_database()
            if connection.database != home:
                jobs.prepare_guarded(connection, call.user, query.database, limits)
            jobs.apply(connection, query, limits)
            yield connection
            if again and connection.database == home and jobs.undo(connection, query, limits):
                stack.pop_all()
                ready.append(connection)

    def kill(self, query_id: str) -> None:
        """Stop the statement with the client's *query_id*, if it still runs."""
        with self._fresh() as connection:
            running.kill(connection, query_id)

    def processes(self, query_ids: list[str], user: str) -> bytes:
        """What is running of *query_ids*, all of *user*'s, as rows in format Values."""
        with self._fresh() as connection:
            rows: bytes = connection.run(rows_sql(query_ids, user)).bytes()
        return rows

    def overdue(self, query_ids: Sequence[str]) -> list[str]:
        """Return those of *query_ids* that have used up the time of a trial."""
        with self._fresh() as connection:
            return running.overdue(connection, query_ids)

    def kill_reads(self) -> None:
        """Stop every running SELECT."""
        with self._fresh() as connection:
            running.kill_reads(connection)

    def close(self) -> None:
        """Close the connections of the insert threads; none of these may run any more."""
        for connection in [*self._kept, *itertools.chain(*self._ready.values())]:
            connection.close()

    def _fresh(self) -> contextlib.closing[EngineConnection]:
        return contextlib.closing(self._engine.connect())

    def _kept_connection(self) -> EngineConnection:
        """The connection of this insert thread: opening one costs more than a small insert."""
        connection: EngineConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._engine.connect()
            connection.begin()
            self._own.connection = connection
            self._kept.append(connection)
        return connection

    def _connection_of(self, session: Session) -> EngineConnection:
        if session.connection is None:
            session.connection = self._engine.connect()
            session.connection.begin()
        return session.connection


def _has_connection(session: Session, user: User, statement: Statement) -> bool:
    """Whether the session has, or must now get, a connection of its own.

    An analyst's statements leave nothing behind, so an analyst's session never needs one.
    """
    return not user.guarded and (session.connection is not None or statement.changes_session)
