"""Logs JSON lines to standard error, never a statement's text or data."""

from __future__ import annotations

import json
import sys
import time
import traceback

from engine_http.engine.errors import ClickHouseError
from engine_http.http.request import Query


def line(event: str, *, level: str = "info", **fields: object) -> None:
    """Write one event."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    record = {"time": f"{stamp}Z", "level": level, "part": "clickhouse", "event": event, **fields}
    sys.stderr.write(json.dumps(record) + "\n")
    sys.stderr.flush()


def unexpected(error: Exception) -> None:
    """Log a bug of ours: where it happened, without any data."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
    line("unexpected error", level="error", kind=type(error).__name__, where=where)


def failure(error: ClickHouseError, query: Query | None, seconds: float) -> None:
    """Log that a statement failed; the error's text may quote data and is left out."""
    line(
        "statement failed",
        level="warning",
        code=error.code,
        name=error.name,
        user=query.user if query else "",
        query_id=query.query_id if query else "",
        seconds=round(seconds, 3),
    )
