"""The content of an item, which follows entirely from five words about it.

An item is named by tenant, kind, number and version; everything else is derived from a hash of
these, so the log of a client holds names only and the checker can derive the content again. All
tenants use the same ids: a row that shows up under the wrong tenant has the wrong content.
"""

from __future__ import annotations

import json
from decimal import Decimal
from enum import IntEnum
from hashlib import blake2b
from typing import NamedTuple

from events.contract.registry import EVENT_TYPES

KINDS = tuple(row.name for row in EVENT_TYPES)
BILLION = 1_000_000_000
# 2026-01-16 18:00 UTC
EVENING_SECONDS = 1_768_586_400
OFFSETS = (("Z", 0), ("+02:00", 7200), ("-05:30", -19800), ("+00:00", 0))


class Version(IntEnum):
    """Which of the contents a client may send for one id."""

    FIRST = 0
    """A valid item."""
    OTHER = 1
    """Another valid item with the same id: a conflict for the one that comes second."""
    INVALID = 2
    """An item the contract rejects; it does not use up its id."""
    RUBBISH = 3
    """Bytes that are not an item at all; only a direct producer can send them."""


VALID = (Version.FIRST, Version.OTHER)
# Rules by which items have the same ids as by the contract's, written otherwise.
WIDER_RULES = {
    "realtime-casino": ("unique_id", "round_id"),
    "realtime-payment": ("vendor_name", "payment_id"),
}


class Item(NamedTuple):
    """One item: `kind` is a position in KINDS."""

    kind: int
    number: int
    version: Version


class Content(NamedTuple):
    """A field as it is written in JSON, and the text of the value the view must show."""

    json: str
    row: str | None


def id_of(kind: int, number: int) -> str:
    """The idempotency id; the same for every tenant."""
    return f"{kind}-{number}"


def fields(tenant: str, item: Item) -> dict[str, Content]:
    """Every field of the item, exactly."""
    chance = _Chance(f"{tenant}/{item.kind}/{item.number}/{item.version}")
    content = {
        "user_id": _text(f"{tenant}:{int(item.version)}:{chance.below(5000)}"),
        "timestamp": chance.instant(),
    }
    content |= _OF_KIND[item.kind](chance, id_of(item.kind, item.number))
    if chance.below(4) == 0:
        content["entry_timestamp"] = chance.instant()
    if item.version == Version.INVALID:
        content["timestamp"] = Content('"yesterday"', None)
    return content


def data_text(tenant: str, item: Item) -> str:
    """The bare `data` object as JSON."""
    if item.version == Version.RUBBISH:
        return f"rubbish {tenant} {item.kind} {item.number}"
    return "{" + ",".join(f'"{k}":{v.json}' for k, v in fields(tenant, item).items()) + "}"


def item_text(tenant: str, item: Item) -> str:
    """The item as a request holds it."""
    return f'{{"event":"{KINDS[item.kind]}","data":{data_text(tenant, item)}}}'


def row_of(tenant: str, item: Item) -> dict[str, str | None]:
    """What the analysts' view must show, each value as text."""
    return {name: value.row for name, value in fields(tenant, item).items()}


def read(value: bytes) -> Item | None:
    """Which item a record's value is; None for what no client of ours sends."""
    try:
        if value.startswith(b"rubbish "):
            _, _, kind, number = value.split()
            return Item(int(kind), int(number), Version.RUBBISH)
        found = json.loads(value)
        data = found.get("data", found)
        version = Version(int(data["user_id"].split(":")[1]))
        id_ = next(
            data[name] for name in ("unique_id", "payment_id", "activity_id") if name in data
        )
        kind, number = id_.split("-")
        return Item(int(kind), int(number), version)
    except (ValueError, KeyError, AttributeError, IndexError, StopIteration):
        return None


class _Chance:
    """Numbers that follow from a text."""

    def __init__(self, text: str) -> None:
        self._left = int.from_bytes(blake2b(text.encode(), digest_size=64).digest())

    def below(self, limit: int) -> int:
        self._left, number = divmod(self._left, limit)
        return number

    def instant(self) -> Content:
        """RFC 3339 in one of several offsets, to the second, millisecond or nanosecond."""
        seconds = EVENING_SECONDS + self.below(86_400)
        digits = (0, 3, 9)[self.below(3)]
        fraction = self.below(10**digits) if digits else 0
        name, offset = OFFSETS[self.below(len(OFFSETS))]
        text = _civil(seconds + offset) + (f".{fraction:0{digits}}" if digits else "") + name
        return Content(f'"{text}"', str(seconds * BILLION + fraction * 10 ** (9 - digits)))

    def amount(self) -> Content:
        """A decimal no binary float can hold, up to 18 places."""
        places = (0, 1, 2, 8, 18)[self.below(5)]
        whole = self.below(1_000_000)
        text = str(whole) + (f".{self.below(10**places):0{places}}" if places else "")
        return Content(text, plain(text))

    def one_of(self, *choices: str) -> Content:
        return _text(choices[self.below(len(choices))])


def plain(amount: str) -> str:
    """The shortest decimal text of the same value."""
    return f"{Decimal(amount).normalize():f}"


def _civil(seconds: int) -> str:
    day, rest = divmod(seconds - EVENING_SECONDS + 18 * 3600, 86_400)
    return f"2026-01-{16 + day:02}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"


def _text(value: str) -> Content:
    return Content(json.dumps(value), value)


def _casino(chance: _Chance, id_: str) -> dict[str, Content]:
    return {
        "unique_id": _text(id_),
        "game_id": _text(f"g{chance.below(300)}"),
        # Of the id alone: an id rule that holds it makes one id of what is one item.
        "round_id": _text(f"round {id_} é"),
        "type": chance.one_of("bet", "win", "loss", "rollbackbet", "rollbackwin"),
        "amount": chance.amount(),
        "currency": chance.one_of("EUR", "SEK", "BTC"),
        "bonus_wager_amount": chance.amount(),
    }


def _payment(chance: _Chance, id_: str) -> dict[str, Content]:
    return {
        "payment_id": _text(id_),
        "type": chance.one_of("credit", "debit"),
        "status": chance.one_of("requested", "approved"),
        "amount": chance.amount(),
        "currency": chance.one_of("EUR", "SEK"),
        "base_amount": chance.amount(),
        # Of the id alone, as above; in an id it has to be escaped.
        "vendor_name": _text(f'Card | "{id_}" \\ 卡'),
    }


def _registration(chance: _Chance, id_: str) -> dict[str, Content]:
    return {
        "unique_id": _text(id_),
        "username": _text(f"user{chance.below(10**6)}"),
        "registration_date": chance.instant(),
        "country": chance.one_of("SE", "DE"),
        "currency": chance.one_of("SEK", "EUR"),
        "gender": (Content("null", None), _text("female"))[chance.below(2)],
        "consent_email": (Content("true", "true"), Content("false", "false"))[chance.below(2)],
    }


def _gameround(chance: _Chance, id_: str) -> dict[str, Content]:
    amounts = ("bonus_bet_user", "total_bet_user", "bonus_win_user", "total_win_user")
    return {
        "unique_id": _text(id_),
        "game_id": _text(f"g{chance.below(300)}"),
        "user_currency": chance.one_of("EUR", "ETH"),
        **{name: chance.amount() for name in amounts},
    }


def _sports_bet(chance: _Chance, id_: str) -> dict[str, Content]:
    return {
        "activity_id": _text(id_),
        "activity_id_reference": _text(f"ref{chance.below(10**6)}"),
        "amount": chance.amount(),
        "bet_type": chance.one_of("Single", "Multi", "System"),
        "bonus_wager_amount": chance.amount(),
        "currency": chance.one_of("EUR", "SEK"),
        "status": chance.one_of("Approved", "Requested"),
        "type": chance.one_of("Bet", "Settlement"),
    }


def _login(_: _Chance, id_: str) -> dict[str, Content]:
    return {"unique_id": _text(id_)}


_OF_KIND = (_casino, _payment, _registration, _gameround, _sports_bet, _login)


def columns(kind: int) -> dict[str, str]:
    """Each field and the SQL expression that gives its value as the text that `row_of` returns."""
    names: set[str] = set()
    for number in range(20):
        names |= fields("any", Item(kind, number, Version.FIRST)).keys()
    return {name: _as_text(name) for name in sorted(names)}


def _as_text(name: str) -> str:
    is_instant = name.endswith(("timestamp", "_date"))
    return f"toString(toUnixTimestamp64Nano({name}))" if is_instant else f"toString({name})"
