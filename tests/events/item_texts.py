"""Hypothesis strategies for items as a client may send them: as bytes, valid and odd.

Built from the transcribed page, as text, so that spellings of numbers, times, escapes, white space
and repeated names are part of what is tried.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.events.oracle import ID_FIELDS, PUBLISHED

SPACES = st.sampled_from(["", "", "", " ", "\n", "\t ", "\r\n"])
ODD_TEXTS = ["null", "true", "[]", "{}", '""', "0", '"x"', "[[]]", "[{}]", '"\\ud800"', "01", "NaN"]
PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


# What programs print that calculate with doubles.
COMPUTED = st.one_of(
    st.builds(
        lambda cents, rate: repr(cents / 100 * rate), st.integers(0, 10_000), st.floats(0, 1)
    ),
    st.floats(-1, 1, allow_nan=False).map(repr),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Spell a number: mostly one that fits, sometimes huge, tiny or long, or a computed double."""
    if draw(st.integers(0, 4)) == 0:
        return draw(COMPUTED)
    whole = draw(st.integers(0, 10 ** draw(st.integers(1, 22))))
    places = draw(st.from_regex(r"\A(\.[0-9]{1,20}|\.[0-9]{17,19}[05]{1,3})?\Z"))
    exponent = draw(
        st.sampled_from(["", "", "", "", "e2", "E+3", "e-5", "e-19", "e0", "e400", "e-400"])
    )
    return draw(st.sampled_from(["", "-"])) + str(whole) + places + exponent


@st.composite
def times(draw: st.DrawFn) -> str:
    """Spell a date-time: mostly RFC 3339, sometimes nearly."""
    year = draw(st.sampled_from(["2025", "2024", "1900", "1899", "2262", "2263", "9999", "0000"]))
    month, day = draw(st.integers(0, 13)), draw(st.integers(0, 32))
    hour, minute, second = (
        draw(st.integers(0, 24)),
        draw(st.integers(0, 60)),
        draw(st.integers(0, 61)),
    )
    separator = draw(st.sampled_from("TTTTTTt "))
    fraction = draw(st.from_regex(r"\A(\.[0-9]{0,12})?\Z"))
    offset = draw(
        st.sampled_from(
            ["Z"] * 6 + ["z", "+01:00", "-00:00", "+23:59", "+24:00", "+0100", "+01", ""]
        )
    )
    return (
        f"{year}-{month:02}-{day:02}{separator}{hour:02}:{minute:02}:{second:02}{fraction}{offset}"
    )


GOOD_TIMES = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
# How programs write "no time": zero values, epochs of spreadsheets, ends of calendars.
NOT_SET = st.sampled_from(
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00.0000000+00:00",
        "0000-01-01T00:00:00Z",
        "1899-12-30T00:00:00Z",
        "1753-01-01T00:00:00Z",
        "1899-12-31T23:59:59.9999999999Z",
        "2262-04-11T23:47:16.854775807Z",
        "9999-12-31T23:59:59.9999999Z",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+23:59",
    ]
)


def quoted(text: str, *, ascii_only: bool) -> str:
    """Write a JSON string."""
    return json.dumps(text, ensure_ascii=ascii_only)


def values(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    """Spell a value of *schema*; now and then another one."""
    return st.integers(0, 60).flatmap(lambda dice: _odd() if dice == 0 else _fitting(schema))


def _odd() -> st.SearchStrategy[str]:
    return st.sampled_from(ODD_TEXTS)


def _fitting(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if "anyOf" in schema:
        return st.one_of([_fitting(one) for one in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"]).map(json.dumps)
    if schema.get("format") == "date-time":
        return st.one_of(GOOD_TIMES, GOOD_TIMES, NOT_SET, times()).map(json.dumps)
    return _PLAIN_KINDS[schema["type"]](schema)


def _array(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    return st.lists(values(schema["items"]), max_size=3).map(lambda parts: f"[{','.join(parts)}]")


def _object(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    return objects(schema) if "properties" in schema else _FREE_OBJECTS


_FREE_OBJECTS = st.sampled_from(
    ["{}", '{"a":1}', '{"odds":"1","user_id":[{}]}', '{ "a" : "b\\"c" }', '{"a":1e0,"b":"\\ud83d"}']
)
_PLAIN_KINDS: dict[str, Callable[[dict[str, Any]], st.SearchStrategy[str]]] = {
    "string": lambda _: st.builds(quoted, PLAIN, ascii_only=st.booleans()),
    "number": lambda _: st.one_of(st.sampled_from(["0", "1.5", "100"]), numbers()),
    "boolean": lambda _: st.sampled_from(["true", "false"]),
    "null": lambda _: st.just("null"),
    "array": _array,
    "object": _object,
}


@st.composite
def objects(draw: st.DrawFn, schema: dict[str, Any]) -> str:
    """Spell an object: its fields in any order, some left out, some unknown, rarely one twice."""
    names = list(schema["properties"])
    optional = [name for name in names if name not in schema["required"]]
    left_out = set(draw(st.lists(st.sampled_from(optional), max_size=3))) if optional else set()
    if draw(st.integers(0, 40)) == 0:
        left_out.add(draw(st.sampled_from(names)))
    members = [(n, draw(values(schema["properties"][n]))) for n in names if n not in left_out]
    if draw(st.integers(0, 6)) == 0:
        members = [(n, '""' if n in ID_FIELDS.values() else text) for n, text in members]
    if draw(st.integers(0, 5)) == 0:
        unknown = st.sampled_from(["x", "event", "data", "origin", "odds", 'a"b', "é"])
        members.append((draw(unknown), draw(st.one_of(_odd(), _FREE_OBJECTS))))
    if draw(st.integers(0, 40)) == 0:
        members.append(draw(st.sampled_from(members or [("x", "1")])))
    if draw(st.booleans()):
        members = draw(st.permutations(members))
    return _spelled(draw, members)


def _spelled(draw: st.DrawFn, members: list[tuple[str, str]]) -> str:
    escape = draw(st.integers(0, 30)) == 0
    space = draw(SPACES)
    parts = [
        f"{space}{_name(name, escape=escape)}{space}:{space}{value}" for name, value in members
    ]
    return "{" + f"{space},".join(parts) + space + "}"


def _name(name: str, *, escape: bool) -> str:
    if not escape:
        return json.dumps(name)
    return f'"\\u{ord(name[0]):04x}{json.dumps(name[1:])[1:]}'


def item_texts(event: str | None = None) -> st.SearchStrategy[bytes]:
    """Spell a whole item, of one type or of any."""
    schemas = PUBLISHED["items"]["anyOf"]
    if event is not None:
        schemas = [one for one in schemas if one["properties"]["event"]["enum"] == [event]]
    return st.sampled_from(schemas).flatmap(objects).map(_encoded)


def data_texts(event: str) -> st.SearchStrategy[bytes]:
    """Spell the `data` of one type alone."""
    schemas = [one["properties"] for one in PUBLISHED["items"]["anyOf"]]
    data = next(one["data"] for one in schemas if one["event"]["enum"] == [event])
    return objects(data).map(_encoded)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
