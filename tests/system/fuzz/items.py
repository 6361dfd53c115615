"""Items for batches: valid ones from the examples, and odd ones made from them.

Every odd item keeps its brackets and quotation marks balanced, so a batch around it can still be
split, and its neighbours must be taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any, Final

from events.contract.fields import FieldKind, fields_of
from events.contract.registry import EVENT_TYPES, EventType
from tests.system.fuzz.case import TENANT, Valid

IDS: Final = ("", "é", "ß🎰", "日本", "\u202e", "a:b", "'; DROP TABLE casino;--", " ", "{}", "=1+1")

Fields = list[tuple[str, bytes]]


@cache
def example(name: str) -> dict[str, Any]:
    """The `data` of the documented example of a type."""
    text = (files("events.contract") / "examples" / f"{name}.json").read_text("utf-8")
    data: dict[str, Any] = json.loads(text)["data"]
    return data


def valid_item(rng: Random, unique: str) -> tuple[bytes, Valid]:
    """A valid item with an id of its own."""
    row = rng.choice(EVENT_TYPES)
    id_ = unique + rng.choice(IDS)
    data = example(row.name) | dict.fromkeys(row.id_fields, id_)
    if rng.random() < 0.3:
        data |= _noise(rng, row)
    text = json.dumps({"event": row.name, "data": data}, ensure_ascii=rng.random() < 0.5)
    return text.encode(), Valid(id_, (row.topic, f"{TENANT}:{id_}".encode()))


# How languages write "no time": zero values, epochs of spreadsheets, ends of calendars.
NOT_SET: Final = (
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00", "1899-12-30T00:00:00Z",
    "1753-01-01T00:00:00.000Z", "9999-12-31T23:59:59.9999999Z", "9999-12-31T00:00:00-12:00",
)  # fmt: skip


def _noise(rng: Random, row: EventType) -> dict[str, Any]:
    """Values that programs send without meaning them: computed doubles, times that are not set."""
    noise: dict[str, Any] = {}
    for field in fields_of(row.model):
        if field.kind is FieldKind.AMOUNT and rng.random() < 0.5:
            noise[field.name] = rng.randrange(10_000) / 100 * rng.random() ** rng.choice((1, 9, 99))
        elif field.kind is FieldKind.INSTANT and not field.required and rng.random() < 0.5:
            noise[field.name] = rng.choice(NOT_SET)
    return noise


def odd_item(rng: Random) -> bytes:
    """An item that is probably refused, and certainly alone."""
    if rng.random() < 0.1:
        return odd_value(rng)
    row = rng.choice(EVENT_TYPES)
    fields = [(name, json.dumps(value).encode()) for name, value in example(row.name).items()]
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        rng.choice(CHANGES)(rng, fields)
    return _whole(rng, row, _object(fields))


def _whole(rng: Random, row: EventType, data: bytes) -> bytes:
    event = f'"{row.name}"'.encode()
    dice = rng.random()
    if dice < 0.7:
        return b'{"event":%s,"data":%s}' % (event, data)
    shapes: Sequence[Callable[[], bytes]] = (
        lambda: b'{"data":%s,"event":%s}' % (data, odd_value(rng)),
        lambda: b'{"data":%s,"data":%s,"event":%s}' % (data, data, event),
        lambda: b'{"event":%s,"data":[%s]}' % (event, data),
        lambda: b'{"event":%s,"data":%s}' % (event, odd_value(rng)),
        lambda: b'{"event":%s}' % event,
        lambda: b'{"\\u0065vent":%s,"d\\u0061ta":%s}' % (event, data),
        lambda: b'\n{ "event" :\t%s , "x" : %s, "data" : %s }\r' % (event, odd_value(rng), data),
        lambda: b"[%s]" % data,
        lambda: data,
    )
    return rng.choice(shapes)()


def _object(fields: Fields) -> bytes:
    return b"{" + b",".join(json.dumps(name).encode() + b":" + text for name, text in fields) + b"}"


def _replace(rng: Random, fields: Fields) -> None:
    if fields:
        at = rng.randrange(len(fields))
        fields[at] = (fields[at][0], odd_value(rng))


def _drop(rng: Random, fields: Fields) -> None:
    if fields:
        del fields[rng.randrange(len(fields))]


def _repeat(rng: Random, fields: Fields) -> None:
    if fields:
        name, text = rng.choice(fields)
        fields.insert(rng.randrange(len(fields)), (name, rng.choice((text, odd_value(rng)))))


def _rename(rng: Random, fields: Fields) -> None:
    if fields:
        at = rng.randrange(len(fields))
        name, text = fields[at]
        fields[at] = (rng.choice((name.upper(), name + " ", "\ufeff" + name, "", name[::-1])), text)


def _add(rng: Random, fields: Fields) -> None:
    fields.append((rng.choice(("tenant", "__proto__", "é", "x" * 3_000, "\x00")), odd_value(rng)))


CHANGES: Final = (_replace, _replace, _replace, _replace, _drop, _repeat, _rename, _add)

ODD_VALUES: Final = (
    b"null", b"true", b"[]", b"{}", b'""', b"0", b"-0", b"-0.0", b"01", b"+1", b".5", b"1.",
    b"0x10", b"NaN", b"Infinity", b"-Infinity", b"nan", b"None", b"1e400", b"-1e400", b"1e-400",
    b"1E+2", b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"1e308",
    b"5e-324", b"0.1234567890123456789012345", b"99999999999999999999.999999999999999999", b"1_000",
    b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\ud83c\\udfb0"', b'"\\u0000"', b'"a\x00b"', b'"\x1f"',
    b'"\n"', b'"\\x"', b'"\\u12"', b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"\xc0\xaf"', b'"\xf5\x80"',
    b'"\xef\xbb\xbf"', b"\xef\xbb\xbf1", b'"\xe2\x80\xa8"', b'"\x7f"', b'"\\u202e\\u0000\\uffff"',
    b'"2025-02-30T00:00:00Z"', b'"2025-01-15T12:00:60Z"', b'"0000-01-01T00:00:00Z"',
    b'"9999-12-31T23:59:59.999999999Z"', b'"2025-01-15T12:00:00+24:00"', b'"2025-01-15"',
    b'"1e400"', b'" 1"', b'"NaN"', b'"0.5"', b'"<script>alert(1)</script>"', b'"\\r\\nX-Evil: 1"',
    b"tru", b"truefalse", b"1 2", b"'x'", b"/**/1", b"1//x", b"undefined",
)  # fmt: skip


def odd_value(rng: Random) -> bytes:
    """The text of a value that few expect."""
    dice = rng.random()
    if dice < 0.88:
        return rng.choice(ODD_VALUES)
    if dice < 0.93:
        depth = rng.choice((1, 10, 127, 128, 129, 500, 2_000, 20_000))
        opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
        return opening * depth + b"1" * (opening != b"[") + closing * depth
    if dice < 0.97:
        return rng.choice((b"9", b"-1", b"0.", b"1e")) + b"9" * rng.choice((20, 400, 5_000, 50_000))
    character = rng.choice((b"x", b"\\u0001", b"\xc3\xa9", b"\\ud83d", b"\\\\", b'\\"'))
    return b'"' + character * rng.choice((200, 2_049, 5_000, 200_000)) + b'"'
