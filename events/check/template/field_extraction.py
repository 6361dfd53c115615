"""What do records hold that are written alike? Their values, cut out of the text by column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from events.check.columnar.lists import empty_lists
from events.check.columnar.row_classes import Shape, shape_of
from events.check.columnar.texts import lengths, offsets_of, texts_at
from events.check.columnar.vectors import Turned, read_amounts, read_instants
from events.check.content import Content
from events.check.template.template import Template
from events.contract.adjustments import Adjustment
from events.contract.fields import Field, FieldKind
from events.contract.id_rules import MAX_ID_CHARACTERS
from events.contract.registry import EventType
from events.values.fingerprint import TEXTS, hashes_of

Numbers = npt.NDArray[np.int64]
Adjusted = list[tuple[int, Adjustment]]


@dataclass(frozen=True, slots=True)
class ExtractedFields:
    """Valid records: where they stood, their ids, what they hold, and what decides the partition.

    `adjusted` says by position what is stored otherwise than it was sent. Where `home_ids` is None,
    the id itself decides the partition.
    """

    positions: Numbers
    ids: pa.StringArray
    content: Content
    adjusted: Adjusted
    home_ids: pa.StringArray | None = None

    def moved(self, by: int) -> ExtractedFields:
        """The same of records that stand *by* positions further on."""
        if not by:
            return self
        adjusted = [(position + by, one) for position, one in self.adjusted]
        return replace(self, positions=self.positions + by, adjusted=adjusted)


def extract_values(
    event_type: EventType, template: Template, text: bytes, rows: Numbers, begins: Numbers
) -> ExtractedFields:
    """Cut the values of *rows* out, and leave out rows of which one value does not hold.

    *begins* are the places in *text* where each of the layout's segments begins in each row.
    """
    shape = shape_of(event_type.model)
    starts = begins[:-1] + template.sizes[:-1]
    values = _Values(text, starts, begins[1:] - starts)
    columns, holds, adjusted = _read(shape, template, values, len(rows))
    (id_name,) = event_type.id_fields
    holds &= lengths(columns[id_name]) <= MAX_ID_CHARACTERS
    adjusted = [(int(rows[row]), one) for row, one in adjusted if holds[row]]
    if not holds.all():
        rows, values = rows[holds], values.only(holds)
        columns = {name: array.filter(pa.array(holds)) for name, array in columns.items()}
    for name, constant in template.constants.items():
        columns[name] = pa.repeat(constant, len(rows))
    columns = {field.name: columns[field.name] for field in shape.fields}
    texts = values.joined(list(template.places_of(*TEXTS).values()))
    hashes = hashes_of(shape, columns, texts, np.zeros(len(rows), np.uint64))
    lists = empty_lists(shape, len(rows))
    return ExtractedFields(rows, columns[id_name], Content(columns, hashes, lists), adjusted)


def _read(
    shape: Shape, template: Template, values: _Values, count: int
) -> tuple[dict[str, pa.Array], npt.NDArray[np.bool_], Adjusted]:
    """Turn all values of *count* records; also tells which records hold, and what was adjusted."""
    columns: dict[str, pa.Array] = {}
    holds = np.ones(count, np.bool_)
    adjusted: Adjusted = []
    for kinds, read in _READERS.items():
        places = template.places_of(*kinds)
        if places:
            fields = [shape.named(name) for name in places]
            turned = read(values.column(list(places.values())), fields, count)
            holds[turned.doubtful % count] = False
            adjusted += [(place % count, one) for place, one in turned.adjusted]
            columns |= dict(zip(places, _split(turned.array, count), strict=True))
    for field in shape.of_kind(FieldKind.CHOICE):
        if field.name in columns:
            known = pc.is_in(columns[field.name], pa.array(field.choices))
            holds &= known.to_numpy(zero_copy_only=False)
    return columns, holds, adjusted


def _split(array: pa.Array, count: int) -> list[pa.Array]:
    return [array.slice(start, count) for start in range(0, len(array), count)]


# Values of some fields, those of one field after those of the other, a *count* of each.
Read = Callable[[pa.Array, Sequence[Field], int], Turned]
_READERS: Final[dict[tuple[FieldKind, ...], Read]] = {
    (FieldKind.AMOUNT,): lambda texts, _fields, _count: read_amounts(texts),
    (FieldKind.INSTANT,): lambda texts, fields, count: read_instants(
        texts, lambda place: fields[place // count].null_outside
    ),
    TEXTS: lambda texts, _fields, _count: Turned(texts, np.zeros(0, np.int64)),
}


class _Values:
    """Where in *text* the values stand: a row for each place of the layout, a column a record."""

    def __init__(self, text: bytes, starts: Numbers, sizes: Numbers) -> None:
        self.text = text
        self.starts = starts
        self.sizes = sizes

    def column(self, places: list[int]) -> pa.Array:
        """The values at *places*, one place after the other."""
        return texts_at(self.text, self.starts[places].ravel(), self.sizes[places].ravel())

    def only(self, which: npt.NDArray[np.bool_]) -> _Values:
        """The values of some records."""
        return _Values(self.text, self.starts[:, which], self.sizes[:, which])

    def joined(self, places: list[int]) -> list[bytes]:
        """The values at *places* of each record end to end."""
        chunks = texts_at(self.text, self.starts[places].T.ravel(), self.sizes[places].T.ravel())
        offsets = np.ascontiguousarray(offsets_of(chunks)[:: len(places)])
        buffers = [None, pa.py_buffer(offsets), chunks.buffers()[2]]
        whole: list[bytes] = pa.Array.from_buffers(
            pa.binary(), len(offsets) - 1, buffers
        ).to_pylist()
        return whole
