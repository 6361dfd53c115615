"""Puts the client's user into a statement: to the engine all sessions are `default`'s.

Only calls written as such are seen, `currentUser()` and its other names. It is for people and
dashboards; what a user may do is not decided by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine_http.engine.connection import literal, quoted
from engine_http.statements.lexer import Token, spliced, tokens

_WORTH_A_LOOK = re.compile(rb"user\s*\(", re.IGNORECASE)
_EXACT = b"currentUser"
_IN_ANY_CASE = (b"USER", b"CURRENT_USER", b"SESSION_USER")


def with_user(text: bytes, name: str) -> bytes:
    """Write *name* where *text* asks for the user; a column keeps the name that it would have."""
    if not _WORTH_A_LOOK.search(text):
        return text
    return spliced(text, _named(text, name))


def _named(text: bytes, name: str) -> Iterator[tuple[int, int, bytes]]:
    """Where each call begins and ends, and *name* under the column's name."""
    found = list(tokens(text))
    for at, word in enumerate(found):
        brackets = [token.text for token in found[at + 1 : at + 3]]
        part_of_a_name = at > 0 and found[at - 1].text == b"."
        if brackets == [b"(", b")"] and _asks_for_the_user(word) and not part_of_a_name:
            called = b"".join(token.text for token in found[at : at + 3]).decode()
            value = f"({literal(name)} AS {quoted(called)})"
            yield word.start, found[at + 2].end, value.encode()


def _asks_for_the_user(word: Token) -> bool:
    return word.text == _EXACT or word.keyword in _IN_ANY_CASE
