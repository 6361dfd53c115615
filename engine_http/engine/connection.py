"""One session of the engine; every error of the engine leaves it as a ClickHouseError."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine_http.engine.errors import ClickHouseError, Code, from_engine
from engine_http.http.spool import Spool

# The setting that carries the id of the client's statement, by which it is found and killed.
TAG = "log_comment"
# Where the embedded engine's defaults differ from a server's. Views get a definer, so that
# analysts may read through them what they may not read directly.
_LIKE_A_SERVER = {
    "implicit_select": "0",
    "allow_introspection_functions": "0",
    "default_normal_view_sql_security": "DEFINER",
    "default_view_definer": "default",
    # A server's limit, plus space for the clause that sends the result to a pipe (pipe.py).
    "max_query_size": str((1 << 18) + (1 << 10)),
}


class EngineConnection:
    """One session of the engine: its settings and temporary tables; for one thread at a time."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.database = "default"

    def begin(self, settings: Mapping[str, str] | None = None) -> None:
        """Set what every session has, and *settings* too."""
        self.set({**_LIKE_A_SERVER, **(settings or {})})

    def set(self, settings: Mapping[str, str]) -> None:
        """Change settings of the session.

        Raises ClickHouseError 115 for an unknown one, 452 for one that the session's profile pins.
        """
        if settings:
            self.run("SET " + assignments(settings))

    def use(self, database: str) -> None:
        """Make *database* the current one; an unknown one raises ClickHouseError 81."""
        if database != self.database:
            self.run(f"USE {quoted(database)}")
            self.database = database

    def check_database(self) -> None:
        """Raise ClickHouseError 81 if the current database is gone."""
        self.run(f"USE {quoted(self.database)}")

    def become(self, role: str, profile: str) -> None:
        """Give up everything but *role*, and let *profile* bind the session."""
        self.run(f"SET profile = {literal(profile)}")
        self.run(f"SET ROLE {role}")

    def run(
        self,
        sql: str | bytes,
        *,
        output_format: str = "TSV",
        parameters: Mapping[str, str] | None = None,
        report: Callable[[Mapping[str, int]], None] | None = None,
    ) -> Any:
        """Run one statement; return the engine's result object, with bytes and counts.

        *report* is called with the counts so far while it runs, on a thread of the engine.
        """
        try:
            if report is None:
                return self._raw.query(sql, output_format, params=dict(parameters or {}))
            self._raw.set_progress_callback(report)
            try:
                return self._raw.query(sql, output_format, params=dict(parameters or {}))
            finally:
                self._raw.set_progress_callback(None)
        except RuntimeError as error:
            raise from_engine(str(error)) from None

    def rows(self, sql: str | bytes, parameters: Mapping[str, str] | None = None) -> list[str]:
        """Run one statement and return its result's lines, tab-separated and escaped."""
        text: bytes = self.run(sql, parameters=parameters).bytes()
        return text.decode(errors="replace").split("\n")[:-1]

    def insert(
        self,
        head: bytes,
        rows: Spool,
        *,
        settings: bytes,
        rows_format: str,
        parameters: Mapping[str, str],
    ) -> Any:
        """Store *rows* by the INSERT that *head* begins; the bytes are never read as SQL.

        They are handed over as a file. The engine's streamed insert reports no error of
        the storage (on a full disk it acknowledges what it drops), and rows within the statement
        would end at the first blank line.
        """
        if not rows.size:
            return self._insert_nothing(b"%s\nSETTINGS %s" % (head, settings), rows_format)
        source = b"FROM INFILE '/proc/self/fd/%d' COMPRESSION 'none'" % rows.descriptor
        return self.run(
            b"%s\n%s SETTINGS %s FORMAT %s" % (head, source, settings, rows_format.encode()),
            parameters=parameters,
        )

    def _insert_nothing(self, head: bytes, rows_format: str) -> Any:
        """No rows are no error, but the table and its columns have to be there."""
        try:
            return self._raw.insert_done(self._raw.send_insert(head, rows_format))
        except RuntimeError as error:
            raise from_engine(str(error)) from None

    def classify(self, sql: bytes) -> tuple[str, int]:
        """Ask the engine's parser what *sql* would do: its class and its number of statements."""
        try:
            answer = self._raw.classify_query(sql)
        except (RuntimeError, UnicodeDecodeError) as error:
            raise ClickHouseError(Code.SYNTAX_ERROR, str(error)) from None
        return str(answer["query_class"].name), int(answer["statement_count"])

    def close(self) -> None:
        """End the session and drop its temporary tables."""
        self._raw.close()


def assignments(settings: Mapping[str, str]) -> str:
    """Write settings as `name = 'value', …` for SET or SETTINGS; names must be checked already."""
    return ", ".join(f"{name} = {literal(value)}" for name, value in settings.items())


def literal(text: str) -> str:
    """Write *text* as an SQL string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quoted(name: str) -> str:
    """Write *name* as an SQL identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
