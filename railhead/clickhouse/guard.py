"""May this statement run? The rules for analysts and for GET requests; what is not known is no."""

from __future__ import annotations

from railhead.clickhouse.engine import Connection
from railhead.clickhouse.errors import ClickHouseError, Code
from railhead.clickhouse.statement import Statement


def require_read_only(connection: Connection, statement: Statement) -> None:
    """Refuse anything that changes state, as the server does for GET."""
    kind, count = connection.classify(statement.text)
    if kind not in ("READ_ONLY", "UNKNOWN") or count > 1:
        raise ClickHouseError(
            Code.READONLY,
            "Cannot execute query in readonly mode. For queries over HTTP, method GET implies "
            "readonly. You should use method POST for modifying queries.",
        )
