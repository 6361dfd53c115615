"""Takes a statement apart: its kind, format, settings, data and end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from engine_http.engine.errors import ClickHouseError, Code
from engine_http.statements.lexer import Token, tokens

READS = frozenset({b"SELECT", b"WITH", b"FROM", b"("})
# Answered from the catalogue or by planning; their results are small.
DESCRIBES = frozenset({b"SHOW", b"DESCRIBE", b"DESC", b"EXPLAIN", b"EXISTS"})
STATEFUL = frozenset({b"SET", b"USE"})


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT that brings its rows: *head* up to SETTINGS or FORMAT, rows from *data_at* on.

    *settings* is what follows SETTINGS; *format* is the format's name, None when not given.
    """

    head: bytes
    format: str | None
    data_at: int
    settings: bytes = b""

    def all_settings(self, assignments: bytes) -> bytes:
        """Its settings after *assignments*, so that its own ones win."""
        return b", ".join(part for part in (assignments, self.settings) if part)


@dataclass(frozen=True, slots=True)
class Statement:
    """Any other statement, without its closing semicolon.

    *output_at* is where an INTO OUTFILE clause would stand; *format* is the FORMAT it names.
    """

    verb: bytes
    text: bytes
    format: str | None
    output_at: int

    @property
    def reads(self) -> bool:
        """Whether it is a SELECT, so that its result may be large."""
        return self.verb in READS

    @property
    def repeats(self) -> bool:
        """Whether it may be stopped and run again: it leaves nothing behind."""
        return self.reads or self.verb in DESCRIBES

    def replaced(self, text: bytes) -> Statement:
        """The same statement with another text, its output clauses unchanged."""
        return Statement(self.verb, text, self.format, len(text))

    @property
    def changes_session(self) -> bool:
        """Whether later statements of the same session depend on it."""
        return self.verb in STATEFUL or b"TEMPORARY" in self.text[:200].upper()


def inspect(sql: bytes) -> Insert | Statement:
    """Take *sql* apart.

    Raises ClickHouseError for an empty text, several statements, or a clause that would touch the
    server's files (INTO OUTFILE, FROM INFILE), as the server does over HTTP.
    """
    stream = tokens(sql)
    first = next(stream, None)
    if first is None:
        raise ClickHouseError(Code.SYNTAX_ERROR, "Empty query")
    inserts = first.keyword == b"INSERT" or (first.keyword == b"WITH" and _passes_to_insert(stream))
    if inserts and (insert := _insert(sql, stream)) is not None:
        return insert
    found = _statement(sql, first)
    return replace(found, verb=b"INSERT") if inserts else found


def _passes_to_insert(stream: Iterator[Token]) -> bool:
    """Move *stream*, which is after WITH, past the INSERT of `WITH … INSERT INTO`."""
    depth, inserts = 0, False
    for token in stream:
        depth += (token.text == b"(") - (token.text == b")")
        if inserts and token.keyword == b"INTO":
            return True
        inserts = depth == 0 and token.keyword == b"INSERT"
    return False


def _statement(sql: bytes, first: Token) -> Statement:
    depth, end, output_at, output_format = 0, len(sql), None, None
    previous: Token | None = None
    in_settings = False  # whether the clause being read is the SETTINGS that may follow FORMAT
    for token in tokens(sql, first.start):
        if end < len(sql) and token.text != b";":
            raise ClickHouseError(Code.SYNTAX_ERROR, "Multi-statements are not allowed")
        depth += (token.text == b"(") - (token.text == b")")
        if token.text == b";":
            end = min(end, token.start)
            continue
        if depth == 0 and previous is not None and token.kind in ("word", "quoted"):
            if previous.keyword == b"INTO" and token.keyword == b"OUTFILE":
                raise ClickHouseError(Code.INTO_OUTFILE_NOT_ALLOWED, "INTO OUTFILE is not allowed")
            if previous.keyword == b"FORMAT":
                output_at, output_format = previous.start, token.name
            elif output_at is not None and token.keyword != b"SETTINGS" and not in_settings:
                output_at = output_format = None
        if token.keyword in (b"SETTINGS", b"FORMAT"):
            in_settings = token.keyword == b"SETTINGS"
        previous = token
    text = sql[first.start : end]
    at = len(text) if output_at is None else output_at - first.start
    return Statement(first.keyword or first.text, text, output_format, at)


def _insert(sql: bytes, stream: Iterator[Token]) -> Insert | None:
    """Split an INSERT into head, settings, format and data; None for INSERT … SELECT."""
    words = _after_table_name(stream)
    depth, settings = 0, None
    for token in words:
        depth += (token.text == b"(") - (token.text == b")")
        if token.keyword in (b"SELECT", b"WITH") and depth <= 1:
            return None
        if depth > 0:
            continue
        match token.keyword or token.text:
            case b";":
                return _insert_until(sql, token.start, settings)
            case b"SETTINGS":
                settings = token
            case b"INFILE":
                raise ClickHouseError(Code.SUPPORT_IS_DISABLED, "FROM INFILE is not for HTTP")
            case b"VALUES":
                return _insert_until(sql, token.start, settings, "Values", token.end)
            case b"FORMAT" if (name := next(words, None)) is not None:
                return _insert_until(
                    sql, token.start, settings, name.name, _data_start(sql, name.end)
                )
    return _insert_until(sql, len(sql), settings)


def _insert_until(
    sql: bytes,
    end: int,
    settings: Token | None,
    name: str | None = None,
    data_at: int | None = None,
) -> Insert:
    """The INSERT whose head and *settings* end at *end*."""
    data_at = len(sql) if data_at is None else data_at
    if settings is None:
        return Insert(sql[:end], name, data_at)
    return Insert(sql[: settings.start], name, data_at, sql[settings.end : end].strip())


def _after_table_name(stream: Iterator[Token]) -> Iterator[Token]:
    """Skip `INTO [TABLE|FUNCTION] name[.name]`, whose name may be spelled like a keyword."""
    token = next(stream, None)
    while token is not None and token.keyword in (b"INTO", b"TABLE", b"FUNCTION"):
        token = next(stream, None)
    _pass_parameter(token, stream)
    token = next(stream, None)
    while token is not None and token.text == b".":
        _pass_parameter(next(stream, None), stream)
        token = next(stream, None)
    return chain([token], stream) if token is not None else iter(())


def _pass_parameter(token: Token | None, stream: Iterator[Token]) -> None:
    """Move *stream* past `{name:Identifier}` if *token* opens one."""
    if token is not None and token.text == b"{":
        next((one for one in stream if one.text == b"}"), None)


def _data_start(sql: bytes, position: int) -> int:
    """Where the rows start: after the blanks behind the format's name, and at most one line end.

    The rule is the engine's own (ParserInsertQuery); a semicolon alone is no row.
    """
    if sql[position:].strip() == b";":
        return len(sql)
    while sql[position : position + 1] in (b" ", b"\t", b"\f"):
        position += 1
    position += sql[position : position + 1] == b"\r"
    return position + (sql[position : position + 1] == b"\n")


def use_of(text: bytes) -> str:
    """The database that `USE name` names.

    Raises ClickHouseError 62 for anything else.
    """
    words = list(tokens(text))
    if len(words) != 2 or words[1].kind not in ("word", "quoted"):
        raise ClickHouseError(Code.SYNTAX_ERROR, "Syntax error: expected USE and a database")
    return words[1].name


def set_of(text: bytes) -> dict[str, str]:
    """The settings that `SET name = value, …` sets.

    Raises ClickHouseError 497 for any other SET: of roles, of transactions, of parameters.
    """
    settings: dict[str, str] = {}
    words = [*list(tokens(text))[1:], Token("mark", b",", 0, 0)]
    for at in range(0, len(words), 4):
        name, equals, value, comma = (*words[at : at + 4], *_NOTHING)[:4]
        if equals.text != b"=" or comma.text != b"," or value.kind not in _VALUES:
            raise ClickHouseError(
                Code.ACCESS_DENIED, "analyst: Not enough privileges to use this SET"
            )
        settings[name.name] = _literal(value)
    return settings


_VALUES = ("string", "number", "word")
_NOTHING = (Token("", b"", 0, 0),) * 4


def _literal(token: Token) -> str:
    """The value of a literal; `true` and `false` are 1 and 0."""
    if token.kind != "string":
        return {b"TRUE": "1", b"FALSE": "0"}.get(token.keyword, token.text.decode())
    return _ESCAPE.sub(lambda found: found[1], token.text[1:-1].decode(errors="replace"))


_ESCAPE = re.compile(r"(?:\\|'(?='))(.)", re.DOTALL)
