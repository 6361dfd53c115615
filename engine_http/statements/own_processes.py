"""Lets users list running statements, with the ids and the texts that clients sent.

The engine's table `system.processes` shows everybody's statements, so an analyst may not read it.
What is written as `FROM system.processes`, or SHOW PROCESSLIST, is answered from the rows of the
same user; any other spelling stays refused. The owner reads the engine's table, in which ids and
texts are put back where they are read in the same spelling.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine_http.engine.connection import TAG, literal
from engine_http.statements.lexer import spliced, tokens

_WORTH_A_LOOK = re.compile(rb"system\s*\.\s*processes|show\s+processlist", re.IGNORECASE)
_MOST_CHARACTERS = 4096
_COLUMNS = (
    "query_id String, user String, elapsed Float64, read_rows UInt64, read_bytes UInt64, "
    "total_rows_approx UInt64, memory_usage Int64, query String"
)
# The clause by which a result reaches us (results/pipe.py), and a format after it that the client
# did not write.
_PIPE_CLAUSE = r"\n INTO OUTFILE '/dev/fd/\d+' APPEND COMPRESSION 'none' ( FORMAT \w+$)?"
_QUERY = f"replaceRegexpOne(query, {literal(_PIPE_CLAUSE)}, '')"


def asks_for_processes(text: bytes) -> bool:
    """Whether `with_processes` would change *text*."""
    return _WORTH_A_LOOK.search(text) is not None and next(_places(text), None) is not None


def with_client_ids(text: bytes) -> bytes:
    """Let the owner's *text* read the running statements by the clients' ids and texts.

    A text that names the table's columns by the table is left as it is.
    """
    if not asks_for_processes(text):
        return text
    named = sum(token.text.lower() == b"processes" for token in tokens(text))
    if named > sum(not shown for _, _, shown in _places(text)):
        return text
    tag = f"Settings[{literal(TAG)}]"
    # The statement itself is in the list, with what is written here.
    own = literal(text[:_MOST_CHARACTERS].decode(errors="replace"))
    table = (
        f"(SELECT * REPLACE (if({tag} = '', query_id, {tag}) AS query_id, "  # noqa: S608 -- literals only
        f"if(query_id = queryID(), {own}, {_QUERY}) AS query) FROM system.processes)"
    ).encode()
    return _with_table(text, table)


def rows_sql(query_ids: list[str], user: str) -> str:
    """The query for the rows of *user*, whose statements have *query_ids*; in format Values."""
    tag = f"Settings[{literal(TAG)}]"
    return (
        f"SELECT {tag}, {literal(user)}, elapsed, read_rows, read_bytes, total_rows_approx, "  # noqa: S608 -- literals only
        f"memory_usage, substring({_QUERY}, 1, {_MOST_CHARACTERS}) FROM system.processes "
        f"WHERE {tag} IN ({', '.join(map(literal, query_ids))}) FORMAT Values"
    )


def with_processes(text: bytes, rows: bytes) -> bytes:
    """Write *rows*, in format Values, where *text* reads the running statements."""
    table = b"values('%s', %s)" % (_COLUMNS.encode(), rows)
    if not rows:
        table = b"null('%s')" % _COLUMNS.encode()
    return _with_table(text, table)


def _with_table(text: bytes, table: bytes) -> bytes:
    """Put *table* in the place of the running statements."""
    return spliced(
        text,
        (
            (start, end, b"SELECT * FROM " + table if shown else table)
            for start, end, shown in _places(text)
        ),
    )


def _places(text: bytes) -> Iterator[tuple[int, int, bool]]:
    """Where it is read from, and whether that is a SHOW."""
    found = list(tokens(text))
    if [token.keyword for token in found[:2]] == [b"SHOW", b"PROCESSLIST"]:
        yield found[0].start, found[1].end, True
    for at, source in enumerate(found):
        name = [token.text.lower() for token in found[at + 1 : at + 4]]
        after = found[at + 4].text if at + 4 < len(found) else b""
        reads = source.keyword in (b"FROM", b"JOIN")
        if reads and name == [b"system", b".", b"processes"] and after != b".":
            yield found[at + 1].start, found[at + 3].end, False
