"""External data: files of a multipart form that one query may read as tables.

A file named NAME comes with NAME_structure (`id UInt64, name String`) or NAME_types (`UInt64,
String`, the columns are then _1, _2, …), and NAME_format. Columns are a name and a type and no
more, as an expression among them would be evaluated with the owner's rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from engine_http.engine.connection import quoted
from engine_http.engine.errors import ClickHouseError, Code
from engine_http.http.spool import Spool
from engine_http.statements.lexer import Token, tokens

MOST_TABLES: Final = 8
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
# Rows are values in these formats, never expressions, and they do not decompress to more.
_FORMATS: Final = re.compile(
    r"(TabSeparated\w*|TSV\w*|CSV\w*|JSONEachRow|JSONCompactEachRow\w*|RowBinary|Native)\Z",
    re.IGNORECASE,
)
_CLOSED: Final = frozenset(
    {
        b"AGGREGATEFUNCTION", b"ALIAS", b"CODEC", b"COMMENT", b"DEFAULT", b"DYNAMIC", b"EPHEMERAL",
        b"MATERIALIZED", b"NESTED", b"OBJECT", b"SIMPLEAGGREGATEFUNCTION", b"TTL",
    }
)  # fmt: skip
_IN_A_TYPE: Final = frozenset({b",", b"=", b"-", b"(", b")"})


@dataclass(frozen=True, slots=True)
class ExternalTable:
    """One table; *columns* is checked SQL, *rows* must be closed when the query has ended."""

    name: str
    columns: str
    format: str
    rows: Spool


Arguments = list[tuple[str, str]]


def tables_of(
    files: Mapping[str, Spool], arguments: Iterable[tuple[str, str]]
) -> tuple[tuple[ExternalTable, ...], Arguments]:
    """The tables in *files*, and the *arguments* that do not describe them.

    Raises ClickHouseError 36 for one without a usable description.
    """
    named = {f"{name}_{what}" for name in files for what in ("structure", "types", "format")}
    given: dict[str, str] = {}
    left: Arguments = []
    for argument, value in arguments:
        if argument in named:
            given[argument] = value
        else:
            left.append((argument, value))
    return tuple(_table(name, rows, given) for name, rows in files.items()), left


def _table(name: str, rows: Spool, given: Mapping[str, str]) -> ExternalTable:
    if not _NAME.match(name):
        raise _wrong("External data needs a name that a table can have")
    row_format = given.get(f"{name}_format", "TabSeparated")
    if not _FORMATS.match(row_format):
        raise _wrong(f"External data may not come in the format {row_format!r}")
    structure, types = given.get(f"{name}_structure", ""), given.get(f"{name}_types", "")
    if bool(structure) == bool(types):
        raise _wrong(f"External data needs either {name}_structure or {name}_types")
    text = (structure or types).encode()
    columns = [_column(number, words, named=bool(structure)) for number, words in _cut(text)]
    return ExternalTable(name, ", ".join(columns), row_format, rows)


def _cut(text: bytes) -> Iterator[tuple[int, list[Token]]]:
    """The columns in *text*, numbered from 1, as tokens."""
    number, depth, words = 1, 0, list[Token]()
    for token in tokens(text):
        depth += (token.text == b"(") - (token.text == b")")
        if token.text == b"," and not depth:
            yield number, words
            number, words = number + 1, []
        else:
            words.append(token)
    yield number, words


def _column(number: int, words: list[Token], *, named: bool) -> str:
    name = f"_{number}"
    if named and words:
        name = words[0].name if words[0].kind in ("word", "quoted") else ""
        words = words[1:]
    if not _NAME.match(name) or not _is_a_type(words):
        raise _wrong(f"Column {number} of the external data is not a name and a type")
    return f"{quoted(name)} {b' '.join(token.text for token in words).decode()}"


def _is_a_type(words: list[Token]) -> bool:
    """Whether *words* is a name, and after it at most one pair of brackets with all the rest."""
    if not words or words[0].kind != "word" or _CLOSED & {token.keyword for token in words}:
        return False
    depth, last = 0, len(words) - 1
    for at, token in enumerate(words[1:], 1):
        if token.text not in _IN_A_TYPE and token.kind not in ("word", "number", "string"):
            return False
        depth += (token.text == b"(") - (token.text == b")")
        if depth < 1 and at < last:
            return False
    return depth == 0 and (last == 0 or words[last].text == b")")


def _wrong(text: str) -> ClickHouseError:
    return ClickHouseError(Code.BAD_ARGUMENTS, text)
