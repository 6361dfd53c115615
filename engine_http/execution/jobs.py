"""Runs one statement on an engine thread, from its session's settings to its counts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from engine_http.engine.connection import TAG, EngineConnection, assignments, literal
from engine_http.engine.engine import Engine
from engine_http.engine.errors import ClickHouseError, Code
from engine_http.execution.sessions import Session
from engine_http.http.auth import User
from engine_http.http.request import Query, format_name, with_session
from engine_http.http.spool import Spool
from engine_http.results import summary
from engine_http.results.narrow import narrowed
from engine_http.results.native import zones_of
from engine_http.results.pipe import ResultPipe
from engine_http.results.summary import Counts, Summary
from engine_http.statements import guard
from engine_http.statements.exactness import check_arithmetic
from engine_http.statements.limits import Limits
from engine_http.statements.lowering import lowered
from engine_http.statements.statement import Insert, Statement, set_of, use_of

DEFAULT_FORMAT = "TabSeparated"
NATIVE = "Native"
_OURS = frozenset({TAG, "readonly"})


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its user, its query and its session; its statement's counts while it runs."""

    user: User
    query: Query
    session: Session | None = None
    counts: Counts = field(default_factory=Counts)

    @property
    def history(self) -> list[bytes]:
        """The SET statements of the session; new ones are added to it."""
        return self.session.settings if self.session is not None else []

    def with_session(self) -> Call:
        """The same call with the settings that an analyst has made in the session."""
        if self.session is None or not self.user.guarded:
            return self
        kept = self.session
        return replace(self, query=with_session(self.query, kept.analyst_settings, kept.database))

    def hold_session(self, work: asyncio.Future[Any]) -> None:
        """Keep the session, if there is one, until *work* has ended."""
        if self.session is not None:
            self.session.hold_until_done(work)


def prepare(connection: EngineConnection, user: User, query: Query) -> None:
    """Give a new *connection* of the owner the request's database and settings."""
    connection.begin({TAG: query.query_id, **settings_of(query)})
    connection.use(query.database or user.database)
    _make_read_only(connection, query)


def prepare_guarded(
    connection: EngineConnection, user: User, database: str, limits: Limits
) -> None:
    """Give a new *connection* to *user*, within *limits*, ready for any request of theirs.

    The user's own database may not have been created yet; another one must be there.
    """
    if database in guard.SYSTEM_DATABASES:
        raise ClickHouseError(Code.ACCESS_DENIED, "analyst: Not enough privileges")
    connection.begin(limits.settings())
    try:
        connection.use(database or user.database)
    except ClickHouseError as error:
        if database or error.code != Code.UNKNOWN_DATABASE:
            raise
    connection.become(user.role, limits.profile)


def apply(connection: EngineConnection, query: Query, limits: Limits) -> None:
    """Set the settings of one request in a connection that `prepare_guarded` has prepared."""
    settings = lowered(settings_of(query), limits.capped())
    guard.check_settings(settings, limits)
    connection.set({TAG: query.query_id, **settings})
    _make_read_only(connection, query)


def undo(connection: EngineConnection, query: Query, limits: Limits) -> bool:
    """Undo what `apply` has set; return whether the connection is as it was before."""
    base = limits.settings()
    undone = [
        f"{name} = {literal(base[name]) if name in base else 'DEFAULT'}"
        for name in settings_of(query)
    ]
    if undone:
        try:
            connection.run("SET " + ", ".join(undone))
        except ClickHouseError:
            return False
    return True


def _make_read_only(connection: EngineConnection, query: Query) -> None:
    """Make the connection read-only; comes last, as no setting can be changed after it."""
    if query.read_only:
        connection.set({"readonly": "1" if query.settings.get("readonly") == "1" else "2"})


def run(
    connection: EngineConnection, call: Call, statement: Statement, pipe: ResultPipe | None
) -> tuple[bytes, Summary]:
    """Run *statement*; a SELECT's result goes to *pipe*, any other result is returned."""
    query, counts = call.query, call.counts
    output_format = output_format_of(query, statement)
    statement = narrowed(connection, statement, output_format, query.parameters)
    text = statement.text
    if pipe is not None:
        # A new line, because the text may end in a comment.
        text = text[: statement.output_at] + b"\n" + pipe.clause + text[statement.output_at :]
        if statement.format is None:
            text += b" FORMAT " + output_format.encode()
        if output_format == NATIVE:
            pipe.zones = zones_of(_types(connection, query, statement))
    counts.begin()
    result = connection.run(
        text, output_format=output_format, parameters=query.parameters, report=counts.report
    )
    if pipe is not None:
        pipe.finish()  # what follows in this thread must not look like more of the result
    total = counts.latest.total_rows_to_read
    return result.bytes(), summary.of(result, total_rows_to_read=total)


def _types(connection: EngineConnection, query: Query, statement: Statement) -> list[str]:
    """The types of a SELECT's result.

    For that the engine runs the scalar subqueries, so they are run twice.
    """
    described = b"DESCRIBE TABLE (" + statement.text[: statement.output_at] + b"\n)"
    lines = connection.rows(described, query.parameters)
    return [line.split("\t")[1].replace("\\'", "'") for line in lines]


def check(connection: EngineConnection, engine: Engine, query: Query, statement: Statement) -> None:
    """Refuse what an analyst may not run; must come before `run` on the same text."""
    guard.check_output(output_format_of(query, statement))
    kind, count = connection.classify(statement.text)
    if kind == "UNKNOWN":
        _raise_syntax_error(connection, statement.text)
    # Only a text known to be a single reading statement may follow EXPLAIN.
    guard.check_kind(kind, count, statement.text)
    tree = connection.rows(b"EXPLAIN AST " + statement.text, query.parameters)
    guard.check_tree(tree, engine.catalog)
    guard.check_calls(statement.text, engine.catalog)
    if statement.reads:
        text = b"EXPLAIN QUERY TREE " + statement.text[: statement.output_at]
        check_arithmetic(connection.rows(text, query.parameters))


def remember(
    connection: EngineConnection, call: Call, statement: Statement, limits: Limits
) -> None:
    """Accept an analyst's SET or USE; the session, if there is one, keeps it.

    Nothing is left in *connection*, which has the analyst's role and is not used again.
    """
    if statement.verb == b"USE":
        database = use_of(statement.text)
        if database not in connection.rows("SHOW DATABASES"):
            raise ClickHouseError(Code.UNKNOWN_DATABASE, f"Database {database} does not exist.")
        if call.session is not None:
            call.session.database = database
        return
    settings = set_of(statement.text)
    guard.check_settings(settings, limits)
    # The session's readonly would make the engine refuse the others, so it is not tried here.
    connection.set({name: value for name, value in settings.items() if name not in _OURS})
    if call.session is not None:
        call.session.analyst_settings.update(settings)


def _raise_syntax_error(connection: EngineConnection, text: bytes) -> None:
    """Raise the parser's own error about *text*, which is passed as a value, never as SQL."""
    value = text.decode(errors="replace").replace("\\", "\\\\").replace("\t", "\\t")
    escaped = value.replace("\n", "\\n")
    try:
        connection.rows("SELECT formatQuery({statement:String})", {"statement": escaped})
    except ClickHouseError as error:
        said = error.text.partition(": In scope SELECT formatQuery(")[0]
        raise ClickHouseError(error.code, said, name=error.name) from None


def insert(connection: EngineConnection, query: Query, statement: Insert, rows: Spool) -> Summary:
    """Store *rows* with *statement*; when it returns, the rows are in parts on disk.

    After `kill -9` they are still there; after a power failure only if the table says
    `fsync_after_insert`.
    """
    # Acknowledged means stored, so the engine may not collect inserts and answer earlier.
    settings = {TAG: query.query_id, **settings_of(query), "async_insert": "0"}
    result = connection.insert(
        statement.head,
        rows,
        settings=statement.all_settings(assignments(settings).encode()),
        rows_format=format_name(statement.format or "") or query.default_format or "Values",
        parameters=query.parameters,
    )
    return summary.of(result)


def output_format_of(query: Query, statement: Statement) -> str:
    """The format the result will have."""
    return format_name(statement.format or "") or query.default_format or DEFAULT_FORMAT


def settings_of(query: Query) -> dict[str, str]:
    """The engine settings of the request, without those that this process handles itself."""
    return {name: value for name, value in query.settings.items() if name not in _OURS}


def run_in_session(
    connection: EngineConnection,
    call: Call,
    statement: Statement,
    pipe: ResultPipe | None,
) -> tuple[bytes, Summary]:
    """Run *statement* on a session's own connection; the request's settings hold for it alone.

    The session's SET statements are run again, as a request's setting may have replaced theirs.
    """
    query, history = call.query, call.history
    if query.read_only and connection.classify(statement.text)[0] != "READ_ONLY":
        raise ClickHouseError(Code.READONLY, "Cannot execute query in readonly mode")
    if query.database:
        connection.use(query.database)
    settings = settings_of(query)
    connection.set({TAG: query.query_id, **settings})
    try:
        result = run(connection, call, statement, pipe)
    finally:
        if settings:
            connection.run("SET " + ", ".join(f"{name} = DEFAULT" for name in settings))
            connection.begin()
            for text in history:
                connection.run(text)
    if statement.verb == b"SET":
        history.append(statement.text)
    return result
