"""Makes the tables of a request's external data in the connection that runs its query."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from engine_http.engine.connection import EngineConnection, assignments, quoted
from engine_http.http.external import ExternalTable

# Acknowledged means there, as in jobs.insert.
_SETTINGS = assignments({"async_insert": "0"}).encode()


@contextlib.contextmanager
def tables(connection: EngineConnection, external: Sequence[ExternalTable]) -> Iterator[None]:
    """Have the tables for the length of a block; must begin before a role is given up."""
    made = []
    try:
        for one in external:
            name = quoted(one.name)
            connection.run(f"CREATE TEMPORARY TABLE {name} ({one.columns})")
            made.append(name)
            head = f"INSERT INTO {name}".encode()
            connection.insert(
                head, one.rows, settings=_SETTINGS, rows_format=one.format, parameters={}
            )
        yield
    finally:
        # Only a session goes on with the connection, and a session has the owner's rights.
        with contextlib.suppress(Exception):
            for name in made:
                connection.run(f"DROP TEMPORARY TABLE IF EXISTS {name}")
