"""Can all the amounts and date-times of a slice be kept exactly? Asked of whole columns at once.

The usual case costs some tenths of a microsecond per value; the few that may not be usual are
told apart, still as columns, by patterns that accept nothing the exact readers refuse. What a
pattern does not know (exponents, lower-case t, years far away) is doubtful, not wrong.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, Raw

from events.amounts import PLACES, WHOLE_DIGITS
from events.fields import Field, Kind
from events.group import Rows
from events.moments import Places, unusual
from events.texts import lengths, offsets_of, raw_array, text_array

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

# What a text must be like, what stands in for one that is not, and the type.
_AMOUNT: Final = (_PLAIN_AMOUNT, "0", AMOUNT_TYPE)
_INSTANT: Final = (_PLAIN_INSTANT, "2000-01-01T00:00:00Z", INSTANT_TYPE)


@dataclass(slots=True)
class Pile:
    """Values of one kind from many columns, so that they are checked in one go."""

    stand_in: Any
    values: list[Any] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    owners: list[tuple[Rows, str]] = field(default_factory=list)

    def add(self, rows: Rows, one: Field) -> None:
        """Put a column on the pile; a stand-in takes the place of what is absent."""
        values = rows.values(one)
        absent = 0 if one.required else values.count(UNSET)
        if one.nullable:
            absent += values.count(None)
        if absent == len(values):
            return
        if absent:
            values = [
                self.stand_in if value is UNSET or value is None else value for value in values
            ]
        self.starts.append(len(self.values))
        self.owners.append((rows, one.name))
        self.values += values

    def hand_out(self, array: pa.Array, doubtful: Places) -> None:
        """Give each column its part of the checked array, and each doubt to its row."""
        ends = [*self.starts[1:], len(self.values)]
        for (rows, name), start, end in zip(self.owners, self.starts, ends, strict=True):
            rows.arrays[name] = array.slice(start, end - start)
        for place in doubtful.tolist():
            owner = bisect_right(self.starts, place) - 1
            self.owners[owner][0].doubt(place - self.starts[owner])


def check_values(groups: Sequence[Rows]) -> None:
    """Turn all amounts and date-times of *groups* into arrays; mark the rows in doubt."""
    amounts, instants = Pile(Raw(b"0")), Pile("2000-01-01T00:00:00Z")
    for rows in groups:
        for one in rows.shape.of_kind(Kind.AMOUNT):
            amounts.add(rows, one)
        for one in rows.shape.of_kind(Kind.INSTANT):
            instants.add(rows, one)
    if amounts.values:
        amounts.hand_out(*_amounts(amounts.values))
    if instants.values:
        instants.hand_out(*_instants(instants.values))


def read_amounts(texts: pa.Array) -> tuple[pa.Array, Places]:
    """Turn texts that no decoder has read; also tells which are not proved to be kept exactly."""
    return _turned(texts, np.union1d(_odd_amounts(texts), _odd_ends(texts)), _AMOUNT)


def read_instants(texts: pa.Array) -> tuple[pa.Array, Places]:
    """Turn texts; also tells which are not proved to be date-times that can be kept exactly."""
    return _turned(texts, unusual(texts), _INSTANT)


def _amounts(values: list[Raw]) -> tuple[pa.Array, Places]:
    texts = raw_array(values)
    return _turned(texts, _odd_amounts(texts), _AMOUNT)


def _odd_amounts(texts: pa.Array) -> Places:
    """Tell which amounts may not be of digits, a sign and a point, or be too many of them.

    Arrow 26 reads some texts of more than 38 digits as wrong numbers without an error, and
    exponents by rules of its own. The decoder held JSON's rules, so a value without other letters
    is a number.
    """
    letters = np.frombuffer(texts.buffers()[2], np.uint8)
    odd = np.flatnonzero(~_OF_NUMBERS[letters])
    long = np.flatnonzero(lengths(texts) > WHOLE_DIGITS)
    if not len(odd):
        return long
    return np.union1d(np.searchsorted(offsets_of(texts), odd, side="right") - 1, long)


def _odd_ends(texts: pa.Array) -> Places:
    """Tell which do not begin and end as numbers do: Arrow also reads 007, 5. and .5 (JSON not).

    A sign or a point too many it refuses.
    """
    offsets = offsets_of(texts)
    letters = np.frombuffer(bytes(texts.buffers()[2]) + b"  ", np.uint8)
    begins = offsets[:-1] + (letters[offsets[:-1]] == ord("-"))
    first, second, last = letters[begins], letters[begins + 1], letters[offsets[1:] - 1]
    odd = (first < ord("0")) | (last < ord("0")) | (begins >= offsets[1:])
    odd |= (first == ord("0")) & (second >= ord("0")) & (begins + 1 < offsets[1:])
    return np.flatnonzero(odd)


def _instants(values: list[str]) -> tuple[pa.Array, Places]:
    texts = text_array(values)
    return _turned(texts, unusual(texts, values), _INSTANT)


def _turned(
    texts: pa.Array, odd: Places, kind: tuple[str, str, pa.DataType]
) -> tuple[pa.Array, Places]:
    """Turn *texts*, of which the *odd* ones are to be looked at; also tells which are in doubt.

    *kind* is one of the two above.
    """
    pattern, stand_in, into = kind
    doubtful = odd
    if len(odd):
        plain = pc.match_substring_regex(texts.take(pa.array(odd)), pattern)
        doubtful = odd[~plain.to_numpy(zero_copy_only=False)]
    try:
        return _without(texts, doubtful, stand_in).cast(into), doubtful
    except pa.ArrowInvalid:
        if len(odd) == len(texts):
            raise
        # Days and hours that there are not; the pattern knows them.
        return _turned(texts, np.arange(len(texts)), kind)


def _without(texts: pa.Array, places: Places, stand_in: str) -> pa.Array:
    if not len(places):
        return texts
    there = np.ones(len(texts), np.bool_)
    there[places] = False
    return pc.if_else(pa.array(there), texts, stand_in)
