"""Templates: what the records of one producer have in common, learned from one of them.

Most records of a topic are made by a few programs: the same names at the same positions, and only
strings and amounts differ from one record to the next. A template is what such records share. It
is made from a record that the exact check found valid, so whatever has the same text around values
that are valid by themselves is valid, too (`events.check.template.check`).
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
# What has escapes or control characters is left to the other checks.
ESCAPE: Final = b"\\"
FIRST_PRINTED: Final = b" "
# Each value costs some numpy calls per chunk; records with more values than this are not worth it.
MOST_VALUES: Final = 64


@dataclass(frozen=True, slots=True)
class LiteralText:
    """Text that stays the same: before the first value, between two, or after the last.

    Its first quote, `at` bytes from its start, is the record's quote number `delimiter`. Only the
    last literal may have none (None): it ends with the record.
    """

    text: bytes
    delimiter: int | None
    at: int


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One way to write records of a type.

    Values stand between the `literals`. `indexes` says which of them belongs to which field, in the
    contract's order; the others are strings with names the contract does not know. `constants` are
    the values, as they are stored, of fields that do not differ: null, absent, true or false.
    `delimiters` counts a record's quotes.
    """

    literals: tuple[LiteralText, ...]
    indexes: dict[Field, int]
    constants: dict[str, pa.Scalar]
    delimiters: int

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """The size of each literal in bytes, as a column."""
        return np.array([[len(one.text)] for one in self.literals])

    def indexes_of(self, *kinds: FieldKind) -> dict[str, int]:
        """The value indexes of the fields of these kinds, by name, in the contract's order."""
        return {field.name: at for field, at in self.indexes.items() if field.kind in kinds}


def make_template(event_type: EventType, raw: bytes) -> Template | None:
    """Make a template of *raw*; None if it is not valid, or has values that cannot be extracted."""
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
    indexes = {one: numbers[one.name] for one in group.shape.fields if one.name in numbers}
    constants = {
        field.name: column[0]
        for field, column in zip(group.shape.fields, columns_of(group).values(), strict=True)
        if field not in indexes
    }
    if any(
        constants[one.name].is_valid for one in group.shape.of_kind(FieldKind.MODELS, *FREE_KINDS)
    ):
        return None
    return Template(tuple(_literals(text, values)), indexes, constants, text.count('"'))


def _values(text: str, fields: tuple[Field, ...]) -> Iterator[Member]:
    """Yield what may differ: strings, without their quotes, and the contract's amounts."""
    amounts = {field.name for field in fields if field.kind is FieldKind.AMOUNT}
    for one in members(text, _data_start(text)):
        if text[one.start] == '"':
            yield Member(one.name, one.start + 1, one.end - 1)
        elif one.name in amounts and text[one.start] != "n":
            yield one


def _data_start(text: str) -> int:
    """Find the data: inside a whole item, or the whole text (as `exact.judge_record` reads it)."""
    start = first_value(text)
    whole = {one.name: one.start for one in members(text, start)}
    return whole["data"] if {"event", "data"} <= whole.keys() else start


def _literals(text: str, values: list[Member]) -> Iterator[LiteralText]:
    delimiters = before = 0
    for start, end in [*((one.start, one.end) for one in values), (len(text), len(text))]:
        chunk = text[before:start].encode()
        at = chunk.find(DELIMITER)
        yield LiteralText(chunk, delimiters if at >= 0 else None, at)
        # A string's own quotes are in the literals around it.
        delimiters += chunk.count(DELIMITER)
        before = end
