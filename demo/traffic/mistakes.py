"""The mistakes that clients make in an item: each with its event type and expected rejection."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

ANY = ""


class Mistake(NamedTuple):
    """A way to spoil a valid item of type `event` (or `ANY`), and how it must be rejected.

    `reason` is a code of `events.contract.reasons`; `field` is where it is found, None for the
    whole item.
    """

    event: str
    reason: str
    field: str | None
    make_mistake: Callable[[str], str]


def _swap(pattern: str, replacement: str) -> Callable[[str], str]:
    found = re.compile(pattern)
    return lambda text: found.sub(replacement, text, count=1)


_USER = r'"user_id":"([^"]*)"'
_TIME = r'"timestamp":"([^"]{23})[^"]*"'
_NAMED_TIME = "data.timestamp"
_AMOUNT_AS_TEXT = _swap(r'"amount":([^,]*),', r'"amount":"\1",')

MISTAKES = (
    Mistake(ANY, "missing", "data.user_id", _swap(_USER + ",", "")),
    Mistake(ANY, "wrong_type", "data.user_id", _swap(_USER, '"user_id":null')),
    Mistake(ANY, "wrong_type", "data.user_id", _swap(_USER, r'"user_id":\1')),
    Mistake(ANY, "bad_time", _NAMED_TIME, _swap(_TIME, r'"timestamp":"\1"')),
    Mistake(ANY, "bad_time", _NAMED_TIME, _swap(_TIME, '"timestamp":"yesterday"')),
    Mistake(ANY, "unknown_event", "event", _swap(r'"realtime-[^"]*"', '"realtime-cart"')),
    Mistake(ANY, "missing", "event", _swap(r'"event":"[^"]*",', "")),
    Mistake(ANY, "not_an_object", None, lambda _: '"realtime-casino"'),
    Mistake("realtime-casino", "wrong_type", "data.amount", _AMOUNT_AS_TEXT),
    Mistake("realtime-payment", "wrong_type", "data.amount", _AMOUNT_AS_TEXT),
    Mistake("realtime-casino", "not_allowed", "data.type", _swap(r'"type":"', '"type":"side')),
    Mistake(
        "realtime-sports-bet", "not_allowed", "data.bet_type", _swap('"bet_type":"', r"\g<0>Lucky ")
    ),
)


@cache
def mistakes_for(event: str) -> tuple[Mistake, ...]:
    """Return every mistake that is possible in an item of type *event*."""
    return tuple(mistake for mistake in MISTAKES if mistake.event in {ANY, event})
