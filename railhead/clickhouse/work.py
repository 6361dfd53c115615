"""What runs on the worker pools: statements, each on a connection that fits it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

from railhead.clickhouse import jobs, running
from railhead.clickhouse.auth import User
from railhead.clickhouse.connection import Connection
from railhead.clickhouse.engine import Engine
from railhead.clickhouse.jobs import Call
from railhead.clickhouse.pipe import ResultPipe
from railhead.clickhouse.sessions import Session
from railhead.clickhouse.spool import Spool
from railhead.clickhouse.statement import STATEFUL, Insert, Statement
from railhead.clickhouse.summary import Summary


class Work:
    """Blocking work on one engine; every method may be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._own = threading.local()  # each insert thread keeps its connection
        self._kept: list[Connection] = []

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
        """Run a statement of the owner's that may change something; return its result."""
        return self.read(call, statement, None, trial=False)

    def read(
        self, call: Call, statement: Statement, pipe: ResultPipe | None, *, trial: bool
    ) -> tuple[bytes, Summary]:
        """Run a statement that brings no rows; *pipe* is finished whatever happens."""
        with contextlib.ExitStack() as stack:
            if pipe is not None:
                stack.callback(pipe.finish)
            if call.session is not None and _has_connection(call.session, call.user, statement):
                own = self._connection_of(call.session)
                return jobs.run_in_session(own, call, statement, pipe)
            connection = stack.enter_context(self._fresh())
            limits = self._engine.limits.for_trial() if trial else self._engine.limits
            jobs.prepare(connection, call.user, call.query, limits)
            if call.user.guarded and statement.verb in STATEFUL:
                jobs.remember(connection, call, statement, limits)
                return b"", Summary()
            if call.user.guarded:
                jobs.check(connection, self._engine, call.query, statement)
            if statement.verb == b"KILL":
                known = running.with_engine_ids(connection, statement.text)
                statement = statement.replaced(known)
            return jobs.run(connection, call.query, statement, pipe)

    def kill(self, query_id: str) -> None:
        """Stop the statement with the client's *query_id*, if it still runs."""
        with self._fresh() as connection:
            running.kill(connection, query_id)

    def overdue(self, query_ids: Sequence[str]) -> list[str]:
        """Return those of *query_ids* that have used up the time of a trial."""
        with self._fresh() as connection:
            return running.overdue(connection, query_ids)

    def kill_reads(self) -> None:
        """Stop every running SELECT."""
        with self._fresh() as connection:
            running.kill_reads(connection)

    def close(self) -> None:
        """Close what the insert threads kept; none of them may run any more."""
        for connection in self._kept:
            connection.close()

    @contextlib.contextmanager
    def _fresh(self) -> Iterator[Connection]:
        connection = self._engine.connect()
        try:
            yield connection
        finally:
            connection.close()

    def _kept_connection(self) -> Connection:
        """The connection of this insert thread: opening one costs more than a small insert."""
        connection: Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._engine.connect()
            connection.begin()
            self._own.connection = connection
            self._kept.append(connection)
        return connection

    def _connection_of(self, session: Session) -> Connection:
        if session.connection is None:
            session.connection = self._engine.connect()
            session.connection.begin()
        return session.connection


def _has_connection(session: Session, user: User, statement: Statement) -> bool:
    """Whether the session has, or must now get, a connection of its own.

    An analyst's statements leave nothing behind, so an analyst's session never needs one.
    """
    return not user.guarded and (session.connection is not None or statement.changes_session)
