"""What happens on an engine thread? One statement from its session's settings to its summary."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from railhead.clickhouse import guard
from railhead.clickhouse.auth import User
from railhead.clickhouse.engine import Connection, assignments
from railhead.clickhouse.pipe import ResultPipe
from railhead.clickhouse.request import Query
from railhead.clickhouse.statement import Insert, Statement

DEFAULT_FORMAT = "TabSeparated"
# Settings of the HTTP handler, which the engine knows but which are this process's business.
_OURS = frozenset({"log_comment", "readonly"})


@dataclass(frozen=True, slots=True)
class Summary:
    """What a statement did, as the header X-ClickHouse-Summary tells it."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    elapsed_seconds: float = 0.0

    def header(self) -> str:
        """The header's value; numbers are strings there."""
        return json.dumps(
            {
                "read_rows": str(self.read_rows),
                "read_bytes": str(self.read_bytes),
                "written_rows": str(self.written_rows),
                "written_bytes": str(self.written_bytes),
                "total_rows_to_read": "0",
                "result_rows": str(self.result_rows),
                "result_bytes": "0",
                "elapsed_ns": str(int(self.elapsed_seconds * 1e9)),
            },
            separators=(",", ":"),
        )


def prepare(connection: Connection, user: User, query: Query) -> None:
    """Make *connection* act for *user* with the request's settings and database."""
    connection.set({"log_comment": query.query_id, **_engine_settings(query)})
    connection.enter(role=user.role, database=query.database or user.database)


def run(
    connection: Connection, query: Query, statement: Statement, pipe: ResultPipe | None
) -> tuple[bytes, Summary]:
    """Run *statement*; a SELECT's result goes to *pipe*, any other's is returned."""
    output_format = statement.format or query.default_format or DEFAULT_FORMAT
    text = statement.text
    if pipe is not None:
        # A new line, because the text may end in a comment.
        text = text[: statement.output_at] + b"\n" + pipe.clause + text[statement.output_at :]
        if statement.format is None:
            text += b" FORMAT " + output_format.encode()
    if query.read_only:
        guard.require_read_only(connection, statement)
    result = connection.run(text, output_format=output_format, parameters=query.parameters)
    return result.bytes(), _summary(result)


def insert(connection: Connection, query: Query, statement: Insert, data: bytes) -> Summary:
    """Store *data* by *statement*; acknowledged means the engine has the parts on disk."""
    settings = {"log_comment": query.query_id, **_engine_settings(query)}
    head = statement.with_settings(assignments(settings).encode())
    rows_format = statement.format or query.default_format or "Values"
    return _summary(connection.insert(head, rows_format, data))


def _engine_settings(query: Query) -> dict[str, str]:
    return {name: value for name, value in query.settings.items() if name not in _OURS}


def _summary(result: Any) -> Summary:
    return Summary(
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        result_rows=result.rows_read(),
        elapsed_seconds=result.elapsed(),
    )
