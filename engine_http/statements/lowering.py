"""Lowers limits that an analyst's request sets too high to the most an analyst may have.

Dashboards send limits of their own with every query; to refuse those above the cap would refuse
the dashboard. This is only a convenience: what it does not see, the engine's constraints refuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation

from engine_http.statements.lexer import Token, spliced, tokens

_UNSET = (b"DEFAULT", b"AUTO")


def lowered(settings: Mapping[str, str], caps: Mapping[str, int]) -> dict[str, str]:
    """Return *settings* with those above their cap, or without a limit, set to the cap."""
    return {
        name: str(caps[name]) if name in caps and _exceeds(value, caps[name]) else value
        for name, value in settings.items()
    }


def lowered_in(text: bytes, caps: Mapping[str, int]) -> tuple[bytes, dict[str, str]]:
    """Lower limits in the SETTINGS and SET of a statement; return it and what was lowered."""
    if b"SET" not in text.upper():
        return text, {}
    high = [
        (name, value)
        for name, value in _assignments(text)
        if name in caps and _exceeds(_value(value), caps[name])
    ]
    replacements = ((value.start, value.end, str(caps[name]).encode()) for name, value in high)
    return spliced(text, replacements), {name: str(caps[name]) for name, _ in high}


def _assignments(text: bytes) -> Iterator[tuple[str, Token]]:
    """Yield the names and values that follow SET and SETTINGS as `name = value, …`."""
    state, name = -1, ""
    for token in tokens(text):
        if state == 0:
            name = token.name
        elif state == 2:
            yield name, token
        fits = state in (0, 2) or token.text == {1: b"=", 3: b","}.get(state)
        if token.keyword in (b"SETTINGS", b"SET"):
            state = 0
        else:
            state = (state + 1) % 4 if state >= 0 and fits else -1


def _value(token: Token) -> str:
    if token.keyword in _UNSET:
        return "0"
    return token.text.strip(b"'").decode(errors="replace")


def _exceeds(value: str, cap: int) -> bool:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    return number == 0 or number > cap
