"""The number of bytes of a column in the Native format: a function for each type that skips them.

Only lengths are read, never values. A type whose layout depends on more than its name (Dynamic,
JSON, Variant, AggregateFunction) has no skipper.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

_U64 = struct.Struct("<Q")
_FIXED_BYTES = {
    "Nothing": 1, "Bool": 1, "Int8": 1, "UInt8": 1, "Enum8": 1,
    "Int16": 2, "UInt16": 2, "Enum16": 2, "Date": 2, "BFloat16": 2,
    "Int32": 4, "UInt32": 4, "Float32": 4, "Date32": 4, "DateTime": 4, "IPv4": 4, "Time": 4,
    "Decimal32": 4,
    "Int64": 8, "UInt64": 8, "Float64": 8, "DateTime64": 8, "Time64": 8, "Decimal64": 8,
    "Int128": 16, "UInt128": 16, "UUID": 16, "IPv6": 16, "Decimal128": 16,
    "Int256": 32, "UInt256": 32, "Decimal256": 32,
}  # fmt: skip
_ALIASES = {
    "Point": "Tuple(Float64, Float64)",
    "Ring": "Array(Point)",
    "LineString": "Array(Point)",
    "MultiLineString": "Array(LineString)",
    "Polygon": "Array(Ring)",
    "MultiPolygon": "Array(Polygon)",
}
_DECIMAL_BYTES = ((9, 4), (18, 8), (38, 16), (76, 32))
_NAMED = re.compile(r"(?:`(?:[^`\\]|\\.)*`|\w+) (?=\S)")
_ADDITIONAL_KEYS = 1 << 9

# Takes the data, where a column's values begin and how many there are; returns where they end.
Skip = Callable[[bytes, int, int], int]


class UnknownTypeError(Exception):
    """There is no skipper for a type."""


@dataclass(frozen=True, slots=True)
class Column:
    """The layout of one type: bytes before the first value, and how to pass the values."""

    prefix_bytes: int
    skip: Skip


def fixed(width: int) -> Column:
    """Values of *width* bytes."""
    return Column(0, lambda _data, position, rows: position + width * rows)


def _string(data: bytes, position: int, rows: int) -> int:
    for _ in range(rows):
        length = data[position]
        position += 1
        if length > 127:
            length, position = _varint_rest(data, position, length & 127)
        position += length
    return position


def varint(data: bytes, position: int) -> tuple[int, int]:
    """Read an unsigned LEB128 number; return it and where it ends."""
    value = data[position]
    if value < 128:
        return value, position + 1
    return _varint_rest(data, position + 1, value & 127)


def _varint_rest(data: bytes, position: int, value: int) -> tuple[int, int]:
    shift = 7
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7


def _number(data: bytes, position: int) -> int:
    return int(_U64.unpack_from(data, position)[0])


def _nullable(inner: Column) -> Column:
    return Column(
        inner.prefix_bytes, lambda data, position, rows: inner.skip(data, position + rows, rows)
    )


def _array(inner: Column) -> Column:
    def skip(data: bytes, position: int, rows: int) -> int:
        if not rows:
            return position
        end = position + 8 * rows
        return inner.skip(data, end, _number(data, end - 8))

    return Column(inner.prefix_bytes, skip)


def _tuple(elements: list[Column]) -> Column:
    def skip(data: bytes, position: int, rows: int) -> int:
        for element in elements:
            position = element.skip(data, position, rows)
        return position

    if not elements:
        return fixed(1)
    return Column(sum(element.prefix_bytes for element in elements), skip)


def _low_cardinality(inner: Column) -> Column:
    def skip(data: bytes, position: int, rows: int) -> int:
        if not rows:
            return position
        kind = _number(data, position)
        if not kind & _ADDITIONAL_KEYS:
            raise UnknownTypeError("a shared dictionary")
        position = inner.skip(data, position + 16, _number(data, position + 8))
        return position + 8 + _number(data, position) * (1 << (kind & 0xFF))

    return Column(8, skip)


@lru_cache(maxsize=1024)
def column(name: str) -> Column:
    """Return the layout of type *name* as the engine writes it.

    Raises UnknownTypeError for a type without a fixed layout.
    """
    head, arguments = _split(_ALIASES.get(name, name))
    if head in _FIXED_BYTES:
        return fixed(_FIXED_BYTES[head])
    if head.startswith("Interval"):
        return fixed(8)
    if head not in _BUILDERS:
        raise UnknownTypeError(name)
    return _BUILDERS[head](arguments)


def _elements(arguments: list[str]) -> Column:
    """The elements of a tuple, which may have names in front of their types."""
    return _tuple([column(_NAMED.sub("", one, count=1)) for one in arguments])


def _decimal(arguments: list[str]) -> Column:
    precision = int(arguments[0])
    return fixed(next(width for limit, width in _DECIMAL_BYTES if precision <= limit))


_BUILDERS: dict[str, Callable[[list[str]], Column]] = {
    "String": lambda _: Column(0, _string),
    "FixedString": lambda arguments: fixed(int(arguments[0])),
    "Decimal": _decimal,
    "Nullable": lambda arguments: _nullable(column(arguments[0])),
    "LowCardinality": lambda arguments: _low_cardinality(column(_without_nullable(arguments[0]))),
    "SimpleAggregateFunction": lambda arguments: column(arguments[-1]),
    "Array": lambda arguments: _array(column(arguments[0])),
    "Map": lambda arguments: _array(_tuple([column(one) for one in arguments])),
    "Tuple": _elements,
    "Nested": lambda arguments: _array(_elements(arguments)),
}


def _without_nullable(name: str) -> str:
    head, arguments = _split(name)
    return arguments[0] if head == "Nullable" else name


def _split(name: str) -> tuple[str, list[str]]:
    """Split `Head(a, b(c, d))` into its head and its arguments."""
    head, bracket, rest = name.partition("(")
    if not bracket:
        return head, []
    arguments, depth, start, quote = [], 0, 0, ""
    inside = rest[:-1]
    position = 0
    while position < len(inside):
        sign = inside[position]
        if quote:
            position += sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "'`":
            quote = sign
        elif sign == "," and depth == 0:
            arguments.append(inside[start:position].strip())
            start = position + 1
        else:
            depth += (sign == "(") - (sign == ")")
        position += 1
    last = inside[start:].strip()
    return head, [*arguments, last] if last else arguments
