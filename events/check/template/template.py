"""How does a producer write its records? One of them, cut into what stays and what differs.

Most records of a topic come out of a few pieces of code: the same names in the same places, and
nothing but strings and amounts differs from one record to the next. A layout is what such records
share. It is learned from a record that the exact road found valid, so whatever has the same text
around values that hold on their own is valid, too (`events.check.template.check`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from events.check.columnar.decoded_rows import Group
from events.check.columnar.row_classes import FREE_KINDS
from events.check.columns import columns_of
from events.check.exact import RejectedError, judge_record
from events.contract.fields import Field, FieldKind
from events.contract.registry import EventType
from events.values.json_text import Member, first_value, members

DELIMITER: Final = b'"'
# What has escapes or control characters is left to a reader of all of JSON.
ESCAPE: Final = b"\\"
FIRST_PRINTED: Final = b" "
# Each value costs some numpy calls a slice; more than any contract has are not worth them.
MOST_VALUES: Final = 64


@dataclass(frozen=True, slots=True)
class LiteralText:
    """Text that stays: before the first value, between two, or after the last.

    Its first quotation mark, `at` bytes from its start, is the record's mark number `delimiter`. Only
    the last segment may have none (None): it ends with the record.
    """

    text: bytes
    delimiter: int | None
    at: int


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One way to write records of a type.

    Between `literals` stand values. `places` says which of them a field of the contract is, in the
    contract's order; the others are strings with names it does not know. `constants` are the
    values, as they are stored, of fields that do not differ: null, absent, true or false. `delimiters`
    counts a record's quotation marks.
    """

    literals: tuple[LiteralText, ...]
    places: dict[Field, int]
    constants: dict[str, pa.Scalar]
    delimiters: int

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """The bytes of each segment, one below the other."""
        return np.array([[len(one.text)] for one in self.literals])

    def places_of(self, *kinds: FieldKind) -> dict[str, int]:
        """The places of the fields of these kinds, by name, in the contract's order."""
        return {field.name: at for field, at in self.places.items() if field.kind in kinds}


def make_template(event_type: EventType, raw: bytes) -> Template | None:
    """Learn how *raw* is written; None if it is not valid, or if more differs than can be cut."""
    if ESCAPE in raw or min(raw, default=0) < ord(FIRST_PRINTED):
        return None
    try:
        row = judge_record(raw, event_type).row
    except RejectedError:
        return None
    group = Group(event_type, 0)
    group.merge([(0, row, ())])
    text = raw.decode()
    values = list(_values(text, group.shape.fields))
    if len(values) > MOST_VALUES:
        return None
    numbers = {one.name: number for number, one in enumerate(values)}
    places = {one: numbers[one.name] for one in group.shape.fields if one.name in numbers}
    constants = {
        field.name: column[0]
        for field, column in zip(group.shape.fields, columns_of(group).values(), strict=True)
        if field not in places
    }
    if any(
        constants[one.name].is_valid for one in group.shape.of_kind(FieldKind.MODELS, *FREE_KINDS)
    ):
        return None
    return Template(tuple(_literals(text, values)), places, constants, text.count('"'))


def _values(text: str, fields: tuple[Field, ...]) -> Iterator[Member]:
    """Yield what may differ: strings, without their marks, and the contract's amounts."""
    amounts = {field.name for field in fields if field.kind is FieldKind.AMOUNT}
    for one in members(text, _data_start(text)):
        if text[one.start] == '"':
            yield Member(one.name, one.start + 1, one.end - 1)
        elif one.name in amounts and text[one.start] != "n":
            yield one


def _data_start(text: str) -> int:
    """Find the data: inside a whole item, or all there is (as `exact.judge_record` reads it)."""
    start = first_value(text)
    whole = {one.name: one.start for one in members(text, start)}
    return whole["data"] if {"event", "data"} <= whole.keys() else start


def _literals(text: str, values: list[Member]) -> Iterator[LiteralText]:
    delimiters = before = 0
    for start, end in [*((one.start, one.end) for one in values), (len(text), len(text))]:
        chunk = text[before:start].encode()
        at = chunk.find(DELIMITER)
        yield LiteralText(chunk, delimiters if at >= 0 else None, at)
        # A string's own marks are in the segments around it.
        delimiters += chunk.count(DELIMITER)
        before = end
