"""The running statements by their ids, and how one of them is stopped."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from engine_http.engine.connection import TAG, EngineConnection, literal
from engine_http.engine.errors import ClickHouseError, Code
from engine_http.execution.trials import CLOCK_SECONDS, CPU_SECONDS
from engine_http.statements.lexer import spliced, tokens


class Running:
    """The ids of the running statements, as clients name them; the engine has ids of its own."""

    def __init__(self) -> None:
        self._users: dict[str, str] = {}

    def belongs_to(self, query_id: str, user: str) -> bool:
        """Whether *query_id* is running for *user*."""
        return self._users.get(query_id) == user

    def ids_of(self, user: str) -> list[str]:
        """The ids of what is running for *user*."""
        return [query_id for query_id, owner in self._users.items() if owner == user]

    @contextlib.contextmanager
    def entered(self, query_id: str, user: str) -> Iterator[None]:
        """Register *query_id* for the length of a block; code 216 if it runs already."""
        if query_id in self._users:
            raise ClickHouseError(
                Code.QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING,
                f"Query with id = {query_id} is already running.",
            )
        self._users[query_id] = user
        try:
            yield
        finally:
            del self._users[query_id]


def id_to_kill(statement: bytes) -> str:
    """The id that `KILL QUERY WHERE query_id = '…' [SYNC|ASYNC]` names.

    Raises ClickHouseError 497 for any other KILL: that is all an analyst may ask for.
    """
    words = list(tokens(statement))
    head = [word.keyword or word.text for word in words[:5]]
    tail = [word.keyword for word in words[6:]]
    named = words[5] if len(words) > 5 and words[5].kind == "string" else None
    fits = head == [b"KILL", b"QUERY", b"WHERE", b"QUERY_ID", b"="]
    if not fits or named is None or tail not in ([], [b"SYNC"], [b"ASYNC"]):
        raise ClickHouseError(
            Code.ACCESS_DENIED,
            "analyst: Not enough privileges: KILL QUERY WHERE query_id = '…' stops one's own",
        )
    return named.text[1:-1].decode(errors="replace")


def kill(connection: EngineConnection, query_id: str) -> None:
    """Ask the engine to stop the statement with the client's *query_id*."""
    connection.run(f"KILL QUERY WHERE Settings[{literal(TAG)}] = {literal(query_id)} ASYNC")


def overdue(connection: EngineConnection, query_ids: Sequence[str]) -> list[str]:
    """Return those of *query_ids* that have used up the time of a trial."""
    tag = f"Settings[{literal(TAG)}]"
    named = ", ".join(map(literal, query_ids))
    spent = f"ProfileEvents['OSCPUVirtualTimeMicroseconds'] >= {int(CPU_SECONDS * 1e6)}"
    lines = connection.rows(
        f"SELECT hex({tag}) FROM system.processes"  # noqa: S608 -- literals only
        f" WHERE {tag} IN ({named}) AND ({spent} OR elapsed >= {CLOCK_SECONDS})"
    )
    return [bytes.fromhex(line).decode() for line in lines]


def kill_reads(connection: EngineConnection) -> None:
    """Ask the engine to stop every statement that only reads."""
    connection.run(
        "KILL QUERY WHERE query_kind IN ('Select', 'Explain', 'Describe', 'Show', 'Exists') ASYNC"
    )


def with_engine_ids(connection: EngineConnection, statement: bytes) -> bytes:
    """Write the engine's ids into a KILL QUERY that names statements by the client's ids."""
    found = connection.rows(
        "SELECT Settings[{tag:String}], query_id FROM system.processes", {"tag": TAG}
    )
    ids = dict(line.split("\t") for line in found)
    strings = (token for token in tokens(statement) if token.kind == "string")
    return spliced(
        statement,
        (
            (token.start, token.end, literal(engine_id).encode())
            for token in strings
            if (engine_id := ids.get(token.text[1:-1].decode(errors="replace"), ""))
        ),
    )
