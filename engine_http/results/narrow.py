"""Casts decimals to 38 digits in formats whose readers mostly know no wider ones.

Amounts are shown as Decimal(76, 18), as the engine does not check narrower arithmetic. Polars,
Spark and others read at most 38 digits, which is enough for every single amount. A larger value is
an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from engine_http.engine.connection import EngineConnection, quoted
from engine_http.engine.errors import ClickHouseError
from engine_http.statements.statement import Statement

_FORMATS: Final = frozenset({"arrow", "arrowstream", "orc", "parquet"})
_WIDE: Final = re.compile(r"Decimal\((?:39|[4-6][0-9]|7[0-6]), ([0-9]|1[0-8])\)")


def narrowed(
    connection: EngineConnection,
    statement: Statement,
    output_format: str,
    parameters: Mapping[str, str],
) -> Statement:
    """The same SELECT, its wide decimals cast to 38 digits if the output format needs it."""
    if not statement.reads or output_format.lower() not in _FORMATS:
        return statement
    head, tail = statement.text[: statement.output_at], statement.text[statement.output_at :]
    columns = _described(connection, head, parameters)
    if len({name for name, _ in columns}) < len(columns) or not any(
        _WIDE.search(kind) for _, kind in columns
    ):
        return statement
    chosen = ", ".join(_chosen(name, kind) for name, kind in columns).encode()
    wrapped = b"SELECT %s FROM (%s\n)" % (chosen, head)
    return Statement(b"SELECT", wrapped + b" " + tail, statement.format, len(wrapped))


def _described(
    connection: EngineConnection, head: bytes, parameters: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Names and types of a SELECT's columns; none if it is wrong: running it gives the error."""
    try:
        answer = connection.run(
            b"DESCRIBE (%s\n)" % head, output_format="JSONCompactEachRow", parameters=parameters
        )
    except ClickHouseError:
        return []
    return [tuple(json.loads(line)[:2]) for line in answer.bytes().splitlines()]


def _chosen(name: str, kind: str) -> str:
    narrow = _WIDE.sub(r"Decimal(38, \1)", kind)
    return quoted(name) if narrow == kind else f"CAST({quoted(name)} AS {narrow}) AS {quoted(name)}"
