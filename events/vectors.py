"""Can all the amounts and date-times of a slice be kept exactly? Asked of whole columns at once.

The usual case costs some tenths of a microsecond per value; only when it fails are the values told
apart, still as columns, by patterns that accept nothing the exact readers refuse. What a pattern
does not know (exponents, lower-case t, years far away) is doubtful, not wrong.
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
from events.moments import all_plain
from events.texts import lengths, raw_array, text_array

AMOUNT_TYPE: Final = pa.decimal128(WHOLE_DIGITS + PLACES, PLACES)
INSTANT_TYPE: Final = pa.timestamp("ns", "UTC")

# JSON's own rules (no leading zero, a digit on both sides of the point) were held by the decoder.
_PLAIN_AMOUNT: Final = r"^-?[0-9]{1,20}(?:\.[0-9]{1,18})?$"
_DATE: Final = (
    r"(?:(?:190[1-9]|19[1-9][0-9]|2[01][0-9]{2}|22[0-5][0-9]|226[01])-"
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"|(?:(?:19|2[012])(?:0[48]|[2468][048]|[13579][26])|2000)-02-29)"
)
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_PLAIN_INSTANT: Final = rf"^{_DATE}T{_TIME}:[0-5][0-9](?:\.[0-9]{{1,9}})?(?:Z|[+-]{_TIME})$"


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

    def hand_out(self, array: pa.Array, doubtful: Sequence[int]) -> None:
        """Give each column its part of the checked array, and each doubt to its row."""
        ends = [*self.starts[1:], len(self.values)]
        for (rows, name), start, end in zip(self.owners, self.starts, ends, strict=True):
            rows.arrays[name] = array.slice(start, end - start)
        for place in doubtful:
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


def _amounts(values: list[Raw]) -> tuple[pa.Array, Sequence[int]]:
    texts = raw_array(values)
    joined = texts.buffers()[2].to_pybytes()
    # Arrow 26 reads some texts of more than 38 digits as wrong numbers without an error, and
    # exponents by rules of its own: both are rare, so they are told apart first.
    if lengths(texts).max() <= WHOLE_DIGITS and b"e" not in joined and b"E" not in joined:
        try:
            return texts.cast(AMOUNT_TYPE), ()
        except pa.ArrowInvalid:
            pass
    return _told_apart(texts, _PLAIN_AMOUNT, "0", AMOUNT_TYPE)


def _instants(values: list[str]) -> tuple[pa.Array, Sequence[int]]:
    texts = text_array(values)
    if all_plain(values, texts):
        try:
            return texts.cast(INSTANT_TYPE), ()
        except pa.ArrowInvalid:
            pass
    return _told_apart(texts, _PLAIN_INSTANT, "2000-01-01T00:00:00Z", INSTANT_TYPE)


def _told_apart(
    texts: pa.Array, pattern: str, stand_in: str, kind: pa.DataType
) -> tuple[pa.Array, Sequence[int]]:
    plain = pc.match_substring_regex(texts, pattern)
    doubtful = np.flatnonzero(~plain.to_numpy(zero_copy_only=False))
    return pc.if_else(plain, texts, stand_in).cast(kind), doubtful.tolist()
