"""Turns the amounts and date-times of many items into columns at once.

The usual case costs some tenths of a microsecond per value. The few unusual values are found, still
in columns, by patterns that accept nothing the exact readers refuse or adjust. What a pattern does
not accept (exponents, a 19th decimal place, a lower-case t, years far away) is read by the exact
readers one by one, so there is one rule; what they refuse is doubtful here, not rejected.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, Raw
from pydantic_core import PydanticCustomError

from events.check.columnar.date_times import Positions, unusual
from events.check.columnar.decoded_rows import ABSENT_TYPES, Rows
from events.check.columnar.texts import lengths, offsets_of, raw_array, text_array
from events.contract.adjustments import Adjustment
from events.contract.fields import Field, FieldKind
from events.values.amounts import PLACES, WHOLE_DIGITS, adjusted_amount
from events.values.instants import adjusted_instant, format_instant

AMOUNT_TYPE: Final = pa.decimal128(WHOLE_DIGITS + PLACES, PLACES)
INSTANT_TYPE: Final = pa.timestamp("ns", "UTC")

_OF_NUMBERS: Final = np.zeros(256, np.bool_)
_OF_NUMBERS[np.frombuffer(b"0123456789.-", np.uint8)] = True
_PLAIN_AMOUNT: Final = r"^-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,18})?$"
_DATE: Final = (
    r"(?:(?:190[1-9]|19[1-9][0-9]|2[01][0-9]{2}|22[0-5][0-9]|226[01])-"
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"|(?:(?:19|2[012])(?:0[48]|[2468][048]|[13579][26])|2000)-02-29)"
)
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_PLAIN_INSTANT: Final = rf"^{_DATE}T{_TIME}:[0-5][0-9](?:\.[0-9]{{1,9}})?(?:Z|[+-]{_TIME})$"

# Reads the text at an index exactly: the text that is stored (None: null), and the adjustment.
ReadExactly = Callable[[int, str], tuple[str | None, Adjustment | None]]
# Tells by its index whether a time is stored as null where no column can hold it.
NullOutside = Callable[[int], bool]


def _exact_amount(_index: int, text: str) -> tuple[str | None, Adjustment | None]:
    value, adjustment = adjusted_amount(text)
    return f"{value:f}", adjustment


def _exact_instant(
    null_outside: NullOutside, index: int, text: str
) -> tuple[str | None, Adjustment | None]:
    value, adjustment = adjusted_instant(text, optional=null_outside(index))
    return None if value is None else format_instant(value), adjustment


# The pattern of texts that Arrow reads correctly, a stand-in for any other, and the column type.
_AMOUNT: Final = (_PLAIN_AMOUNT, "0", AMOUNT_TYPE)
_INSTANT: Final = (_PLAIN_INSTANT, "2000-01-01T00:00:00Z", INSTANT_TYPE)


@dataclass(slots=True)
class Converted:
    """A column, the indexes that are in doubt, and what was adjusted at which index."""

    array: pa.Array
    doubtful: Positions
    adjusted: Sequence[tuple[int, Adjustment]] = ()


@dataclass(slots=True)
class ValuePool:
    """Values of one kind from many columns, so that they are checked in one go."""

    stand_in: Any
    values: list[Any] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    owners: list[tuple[Rows, Field]] = field(default_factory=list)

    def add(self, rows: Rows, one: Field) -> None:
        """Add a column; a stand-in replaces absent values."""
        values, kinds = rows.values(one), rows.kinds(one)
        if kinds <= ABSENT_TYPES:
            return
        if kinds & ABSENT_TYPES:
            values = [
                self.stand_in if value is UNSET or value is None else value for value in values
            ]
        self.starts.append(len(self.values))
        self.owners.append((rows, one))
        self.values += values

    def distribute(self, converted: Converted) -> None:
        """Give each column its part of the array, and each row its doubts and adjustments."""
        ends = [*self.starts[1:], len(self.values)]
        for (rows, one), start, end in zip(self.owners, self.starts, ends, strict=True):
            rows.arrays[one.name] = converted.array.slice(start, end - start)
        for index in converted.doubtful.tolist():
            owner = self._owner(index)
            self.owners[owner][0].doubt(index - self.starts[owner])
        for index, adjustment in converted.adjusted:
            owner = self._owner(index)
            self.owners[owner][0].adjust(index - self.starts[owner], adjustment)

    def null_outside(self, index: int) -> bool:
        """Tell whether the value at *index* is a time that may be stored as null."""
        return self.owners[self._owner(index)][1].null_outside

    def _owner(self, index: int) -> int:
        return bisect_right(self.starts, index) - 1


def check_values(groups: Sequence[Rows]) -> None:
    """Convert all amounts and date-times of *groups* into arrays; mark the rows in doubt."""
    amounts, instants = ValuePool(Raw(b"0")), ValuePool("2000-01-01T00:00:00Z")
    for rows in groups:
        for one in rows.shape.of_kind(FieldKind.AMOUNT):
            amounts.add(rows, one)
        for one in rows.shape.of_kind(FieldKind.INSTANT):
            instants.add(rows, one)
    if amounts.values:
        amounts.distribute(_amounts(amounts.values))
    if instants.values:
        instants.distribute(_instants(instants.values, instants.null_outside))


def read_amounts(texts: pa.Array) -> Converted:
    """Convert texts that no decoder has read; what is not a JSON number is in doubt."""
    odd = np.union1d(_odd_amounts(texts), _odd_ends(texts))
    return _converted(texts, odd, _AMOUNT, _exact_amount)


def read_instants(texts: pa.Array, null_outside: NullOutside) -> Converted:
    """Convert texts; what is not a date-time, or one that is refused, is in doubt."""
    return _converted(texts, unusual(texts), _INSTANT, partial(_exact_instant, null_outside))


def _amounts(values: list[Raw]) -> Converted:
    texts = raw_array(values)
    return _converted(texts, _odd_amounts(texts), _AMOUNT, _exact_amount)


def _odd_amounts(texts: pa.Array) -> Positions:
    """Find the amounts that may hold more than digits, a sign and a point, or be too long.

    Arrow 26 reads some texts of more than 38 digits as wrong numbers without an error, and
    exponents by rules of its own. The decoder applied JSON's rules, so a value without other
    characters is a number.
    """
    chars = np.frombuffer(texts.buffers()[2], np.uint8)
    odd = np.flatnonzero(~_OF_NUMBERS[chars])
    long = np.flatnonzero(lengths(texts) > WHOLE_DIGITS)
    if not len(odd):
        return long
    return np.union1d(np.searchsorted(offsets_of(texts), odd, side="right") - 1, long)


def _odd_ends(texts: pa.Array) -> Positions:
    """Find those that do not begin and end as JSON numbers do: Arrow also reads 007, 5. and .5.

    A second sign or point is refused by Arrow.
    """
    offsets = offsets_of(texts)
    chars = np.frombuffer(bytes(texts.buffers()[2]) + b"  ", np.uint8)
    begins = offsets[:-1] + (chars[offsets[:-1]] == ord("-"))
    first, second, last = chars[begins], chars[begins + 1], chars[offsets[1:] - 1]
    odd = (first < ord("0")) | (last < ord("0")) | (begins >= offsets[1:])
    odd |= (first == ord("0")) & (second >= ord("0")) & (begins + 1 < offsets[1:])
    return np.flatnonzero(odd)


def _instants(values: list[str], null_outside: NullOutside) -> Converted:
    texts = text_array(values)
    exactly = partial(_exact_instant, null_outside)
    return _converted(texts, unusual(texts, values), _INSTANT, exactly)


def _converted(
    texts: pa.Array, odd: Positions, kind: tuple[str, str, pa.DataType], exactly: ReadExactly
) -> Converted:
    """Convert *texts*, of which the *odd* ones need a closer look.

    *kind* is `_AMOUNT` or `_INSTANT`.
    """
    pattern, stand_in, into = kind
    strange = odd
    if len(odd):
        plain = pc.match_substring_regex(texts.take(pa.array(odd)), pattern)
        strange = odd[~plain.to_numpy(zero_copy_only=False)]
    read = _read_exactly(texts, strange, stand_in, exactly)
    try:
        return Converted(read.array.cast(into), read.doubtful, read.adjusted)
    except pa.ArrowInvalid:
        if len(odd) == len(texts):
            raise
        # Days or hours that do not exist; the pattern finds them.
        return _converted(texts, np.arange(len(texts)), kind, exactly)


def _read_exactly(
    texts: pa.Array, indexes: Positions, stand_in: str, exactly: ReadExactly
) -> Converted:
    """Replace the texts at *indexes* by what is stored; a stand-in where that is in doubt."""
    if not len(indexes):
        return Converted(texts, indexes)
    stored: list[str | None] = []
    doubtful: list[int] = []
    adjusted: list[tuple[int, Adjustment]] = []
    # Replacements are taken in the order of the array.
    indexes = np.sort(indexes)
    # As bytes: a value that no decoder has read may not be UTF-8.
    odd = texts.take(pa.array(indexes)).cast(pa.binary()).to_pylist()
    for index, text in zip(indexes.tolist(), odd, strict=True):
        try:
            value, adjustment = exactly(index, text.decode())
        except (PydanticCustomError, UnicodeDecodeError):
            value, adjustment = stand_in, None
            doubtful.append(index)
        stored.append(value)
        if adjustment is not None:
            adjusted.append((index, adjustment))
    mask = np.zeros(len(texts), np.bool_)
    mask[indexes] = True
    array = pc.replace_with_mask(texts, pa.array(mask), pa.array(stored, texts.type))
    return Converted(array, np.array(doubtful, np.int64), adjusted)
