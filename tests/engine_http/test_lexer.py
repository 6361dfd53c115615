"""The lexer finds tokens where the engine finds them."""

from __future__ import annotations

import pytest

from engine_http.statements.lexer import tokens


def texts(sql: bytes) -> list[bytes]:
    """The tokens' texts."""
    return [token.text for token in tokens(sql)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (b"select 1 -- ; x\n+2", [b"select", b"1", b"+", b"2"]),
        (b"select 1 // ; x\n+2", [b"select", b"1", b"+", b"2"]),
        (b"select 1 # ; x\n+2", [b"select", b"1", b"+", b"2"]),
        (b"select /* a /* b */ ; */ 1", [b"select", b"1"]),
        (b"select 1 /* never closed ; x", [b"select", b"1"]),
        (rb"select 'a''b\'c;', `a``b\`c`", [b"select", rb"'a''b\'c;'", b",", rb"`a``b\`c`"]),
        (b"select $t$ ; ' $t$, 2", [b"select", b"$t$ ; ' $t$", b",", b"2"]),
        ("select \u2018a;\u2019, 2".encode(), [b"select", "\u2018a;\u2019".encode(), b",", b"2"]),
        (b"", []),
    ],
)
def test_nothing_inside_comments_and_strings_is_a_token(sql: bytes, expected: list[bytes]) -> None:
    """Comments vanish, nested ones too; strings, names and here-documents are one token each."""
    assert texts(sql) == expected


def test_arbitrary_bytes_do_not_stop_the_lexer() -> None:
    """Rows in any format may follow an INSERT."""
    assert b"".join(texts(bytes(range(33, 127)) + b"\xff\xfe\x00"))
