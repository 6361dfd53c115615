"""Splits a statement into ClickHouse's tokens: just enough lexing to find a clause.

It follows the engine's lexer for comments (nested ones too), strings, quoted names and
here-documents, so that a keyword inside any of those is never taken for a clause. It does not
decide what is allowed: that is the task of the engine's own parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    rb"""
      (?P<space>   \s+ | --[^\n]* | //[^\n]* | \#[ !][^\n]* )
    | (?P<comment> /\* )
    | (?P<string>  '(?:[^'\\]|\\.|'')*' | \xe2\x80\x98.*?\xe2\x80\x99 )
    | (?P<heredoc> \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
    | (?P<quoted>  `(?:[^`\\]|\\.|``)*` | "(?:[^"\\]|\\.|"")*" | \xe2\x80\x9c.*?\xe2\x80\x9d )
    | (?P<word>    [A-Za-z_][A-Za-z0-9_$]* )
    | (?P<number>  [0-9][A-Za-z0-9_.]* )
    | (?P<wide>    [\x80-\xff] )
    | (?P<mark>    . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(rb"/\*|\*/")


class Token(NamedTuple):
    """One token: *kind* is string, heredoc, quoted, word, number or mark."""

    kind: str
    text: bytes
    start: int
    end: int

    @property
    def keyword(self) -> bytes:
        """The word in upper case; empty for anything that cannot be a keyword."""
        return self.text.upper() if self.kind == "word" else b""

    @property
    def name(self) -> str:
        """The name without its quotes, of either kind; escapes are left as they are."""
        inner = self.text
        if self.kind == "quoted":
            width = len(_OPENING) if inner.startswith(_OPENING) else 1
            inner = inner[width:-width]
        return inner.decode(errors="replace")


_OPENING = "\u201c".encode()


def tokens(sql: bytes, start: int = 0) -> Iterator[Token]:
    """Yield the tokens of *sql* from *start* on, without white space and comments."""
    position = start
    while match := _TOKEN.match(sql, position):
        position = match.end()
        kind = next(name for name in _KINDS if match[name] is not None)
        if kind == "comment":
            position = _comment_end(sql, position)
        # Outside of quotes the only non-ASCII characters the engine knows are blanks (and a minus).
        elif kind not in ("space", "wide"):
            yield Token(kind, match.group(), match.start(), position)


_KINDS = ("space", "word", "mark", "string", "number", "quoted", "comment", "heredoc", "wide")


def _comment_end(sql: bytes, position: int) -> int:
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(sql, position)):
        depth += 1 if edge.group() == b"/*" else -1
        position = edge.end()
    return len(sql) if depth else position


def spliced(text: bytes, replacements: Iterable[tuple[int, int, bytes]]) -> bytes:
    """*text* with *replacements*: start, end and what stands there instead, in ascending order."""
    parts, position = list[bytes](), 0
    for start, end, replacement in replacements:
        parts += [text[position:start], replacement]
        position = end
    return b"".join([*parts, text[position:]])
