"""Extracts the values of records that match a template, in columns."""

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
from events.check.columnar.vectors import Converted, read_amounts, read_instants
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
    """Valid records: their positions, ids and content, and what decides the partition.

    `adjusted` says by position what is not stored exactly as it was sent. Where `home_ids` is None,
    the id itself decides the partition.
    """

    positions: Numbers
    ids: pa.StringArray
    content: Content
    adjusted: Adjusted
    home_ids: pa.StringArray | None = None

    def moved(self, by: int) -> ExtractedFields:
        """The same fields, *by* positions further on."""
        if not by:
            return self
        adjusted = [(position + by, one) for position, one in self.adjusted]
        return replace(self, positions=self.positions + by, adjusted=adjusted)


def extract_values(
    event_type: EventType, template: Template, text: bytes, rows: Numbers, begins: Numbers
) -> ExtractedFields:
    """Extract the values of *rows*; a row with an invalid value is left out.

    *begins* are the offsets in *text* at which each of the template's literals begins in each row.
    """
    shape = shape_of(event_type.model)
    starts = begins[:-1] + template.sizes[:-1]
    values = _Values(text, starts, begins[1:] - starts)
    columns, valid, adjusted = _read(shape, template, values, len(rows))
    (id_name,) = event_type.id_fields
    id_lengths = lengths(columns[id_name])
    valid &= (id_lengths > 0) & (id_lengths <= MAX_ID_CHARACTERS)
    adjusted = [(int(rows[row]), one) for row, one in adjusted if valid[row]]
    if not valid.all():
        rows, values = rows[valid], values.only(valid)
        columns = {name: array.filter(pa.array(valid)) for name, array in columns.items()}
    for name, constant in template.constants.items():
        columns[name] = pa.repeat(constant, len(rows))
    columns = {field.name: columns[field.name] for field in shape.fields}
    texts = values.joined(list(template.indexes_of(*TEXTS).values()))
    hashes = hashes_of(shape, columns, texts, np.zeros(len(rows), np.uint64))
    lists = empty_lists(shape, len(rows))
    return ExtractedFields(rows, columns[id_name], Content(columns, hashes, lists), adjusted)


def _read(
    shape: Shape, template: Template, values: _Values, count: int
) -> tuple[dict[str, pa.Array], npt.NDArray[np.bool_], Adjusted]:
    """Convert all values of *count* records; also tells which are valid, and what was adjusted."""
    columns: dict[str, pa.Array] = {}
    valid = np.ones(count, np.bool_)
    adjusted: Adjusted = []
    for kinds, read in _READERS.items():
        indexes = template.indexes_of(*kinds)
        if indexes:
            fields = [shape.named(name) for name in indexes]
            converted = read(values.column(list(indexes.values())), fields, count)
            valid[converted.doubtful % count] = False
            adjusted += [(index % count, one) for index, one in converted.adjusted]
            columns |= dict(zip(indexes, _split(converted.array, count), strict=True))
    for field in shape.of_kind(FieldKind.CHOICE):
        if field.name in columns:
            known = pc.is_in(columns[field.name], pa.array(field.choices))
            valid &= known.to_numpy(zero_copy_only=False)
    return columns, valid, adjusted


def _split(array: pa.Array, count: int) -> list[pa.Array]:
    return [array.slice(start, count) for start in range(0, len(array), count)]


# Reads the values of some fields, *count* of each, one field after the other.
Read = Callable[[pa.Array, Sequence[Field], int], Converted]
_READERS: Final[dict[tuple[FieldKind, ...], Read]] = {
    (FieldKind.AMOUNT,): lambda texts, _fields, _count: read_amounts(texts),
    (FieldKind.INSTANT,): lambda texts, fields, count: read_instants(
        texts, lambda index: fields[index // count].null_outside
    ),
    TEXTS: lambda texts, _fields, _count: Converted(texts, np.zeros(0, np.int64)),
}


class _Values:
    """Where in *text* the values stand: a row per value of the template, a column per record."""

    def __init__(self, text: bytes, starts: Numbers, sizes: Numbers) -> None:
        self.text = text
        self.starts = starts
        self.sizes = sizes

    def column(self, indexes: list[int]) -> pa.Array:
        """The values of the template's *indexes*, one after the other."""
        return texts_at(self.text, self.starts[indexes].ravel(), self.sizes[indexes].ravel())

    def only(self, which: npt.NDArray[np.bool_]) -> _Values:
        """The values of some records."""
        return _Values(self.text, self.starts[:, which], self.sizes[:, which])

    def joined(self, indexes: list[int]) -> list[bytes]:
        """The values of the template's *indexes*, end to end for each record."""
        chunks = texts_at(self.text, self.starts[indexes].T.ravel(), self.sizes[indexes].T.ravel())
        offsets = np.ascontiguousarray(offsets_of(chunks)[:: len(indexes)])
        buffers = [None, pa.py_buffer(offsets), chunks.buffers()[2]]
        whole: list[bytes] = pa.Array.from_buffers(
            pa.binary(), len(offsets) - 1, buffers
        ).to_pylist()
        return whole
