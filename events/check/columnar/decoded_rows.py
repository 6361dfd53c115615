"""Decoded rows of the columnar check, and which of them are doubtful.

A doubtful row is never rejected here: it is taken out and judged alone by `events.check.exact`.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from operator import attrgetter
from types import NoneType
from typing import Any, Final, cast

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec import Raw, Struct, UnsetType
from msgspec.structs import astuple

from events.check.columnar.row_classes import (
    FREE_KINDS,
    RAW_KINDS,
    Decode,
    Shape,
    lists_decoder,
    shape_of,
)
from events.check.columnar.texts import count_chars
from events.contract.adjustments import Adjustment
from events.contract.fields import Field, FieldKind
from events.contract.registry import EventType
from events.values.json_text import MAX_DEPTH

# A valid item: its position, its row, and its adjustments.
Judged = tuple[int, Struct, Sequence[Adjustment]]
# What the columnar check reads: a record's value, or an item of a request's body.
JsonText = bytes | Raw
# What decoding raises for an item that the columnar check does not accept.
REJECTIONS: Final = (msgspec.MsgspecError, RecursionError, UnicodeError)
# Content with fewer brackets than this is not too deep, wherever a model puts it.
SURELY_SHALLOW: Final = MAX_DEPTH // 2
# Of fewer rows only the needed fields are read: most checks need only some of them.
FEW_ROWS: Final = 30
# The types of a missing value: null, or absent.
ABSENT_TYPES: Final = frozenset({NoneType, UnsetType})
_CERTAIN_TYPES: Final = {
    kind: frozenset({Raw if kind in RAW_KINDS else bool if kind is FieldKind.FLAG else str})
    for kind in FieldKind
}
_NULL: Final = Raw(b"null")


class Rows:
    """Decoded objects of one model."""

    def __init__(self, shape: Shape, rows: list[Struct]) -> None:
        self.shape = shape
        self.rows = rows
        self._arrays: dict[str, pa.Array] = {}
        # Which rows of the arrays are left; the ingest API never needs them.
        self._left: pa.Array | None = None
        self.doubtful: set[int] = set()
        # The adjustments of each row's values, by the row's index; mostly none.
        self.adjusted: dict[int, list[Adjustment]] = {}
        # What `events.check.columns` made of the rows.
        self.columns: dict[str, pa.Array] = {}
        self._values: dict[str, list[Any]] = {}
        self._kinds: dict[str, frozenset[type]] = {}
        self._nested: dict[str, Nested] | None = None

    @property
    def arrays(self) -> dict[str, pa.Array]:
        """The columns already converted and checked."""
        if self._left is not None:
            self._arrays = {name: array.take(self._left) for name, array in self._arrays.items()}
            self._left = None
        return self._arrays

    def values(self, field: Field) -> list[Any]:
        """Read one field of every row; a null is None, an absent field is UNSET."""
        found = self._values.get(field.name)
        if found is None:
            self._values |= _read(self.shape, self.rows, field)
            found = self._values[field.name]
        return found

    def kinds(self, field: Field) -> frozenset[type]:
        """Tell which types the field's values have; `NoneType` and `UnsetType` among them."""
        if field.required and not field.nullable:
            return _CERTAIN_TYPES[field.kind]
        found = self._kinds.get(field.name)
        if found is None:
            found = self._kinds[field.name] = frozenset(map(type, self.values(field)))
        return found

    def texts(self, name: str) -> list[str]:
        """Read the required text called *name* of every row."""
        return self.values(self.shape.named(name))

    def where(self, field: Field, wanted: object) -> npt.NDArray[np.bool_]:
        """Tell in which rows the field is *wanted*: None, or UNSET."""
        return np.array([value is wanted for value in self.values(field)], np.bool_)

    def nested(self) -> dict[str, Nested]:
        """Decode the lists of models inside the rows, by field."""
        if self._nested is None:
            fields = self.shape.of_kind(FieldKind.MODELS)
            self._nested = {field.name: Nested(self, field) for field in fields}
        return self._nested

    def present(self, field: Field) -> tuple[list[int], list[Raw]]:
        """List the JSON texts of a field that is kept as text, and the rows that have one."""
        values = self.values(field)
        if Raw not in self.kinds(field):
            return [], []
        indexes = [index for index, value in enumerate(values) if isinstance(value, Raw)]
        return indexes, [values[index] for index in indexes]

    def doubt(self, index: int) -> None:
        """Mark a row for the exact check."""
        self.doubtful.add(index)

    def adjust(self, index: int, adjustment: Adjustment) -> None:
        """Note that a value of a row is not stored exactly as it was sent."""
        self.adjusted.setdefault(index, []).append(adjustment)

    def forget(self) -> None:
        """Drop what was read from the rows, because they changed."""
        self.columns.clear()
        self._values.clear()
        self._kinds.clear()
        self._nested = None


class Nested(Rows):
    """The objects inside one list field of other rows; a doubt about one is one about its owner."""

    def __init__(self, owner: Rows, field: Field) -> None:
        assert field.model is not None  # noqa: S101 - only fields of kind MODELS get here
        super().__init__(shape_of(field.model), [])
        # The owner holds this object: a cycle would keep all rows until the garbage collector runs.
        self.owner = weakref.proxy(owner)
        self.owners: list[int] = []
        self._decode(owner.values(field), lists_decoder(field.model))
        self._doubt_free_content()

    def doubt(self, index: int) -> None:
        """Mark the row here, and the one it lies in."""
        super().doubt(index)
        self.owner.doubt(self.owners[index])

    def adjust(self, index: int, adjustment: Adjustment) -> None:
        """Note it for the row it lies in."""
        self.owner.adjust(self.owners[index], adjustment)

    def _decode(self, values: list[Any], decode: Decode) -> None:
        indexes = [index for index, raw in enumerate(values) if isinstance(raw, Raw)]
        try:
            # Each is a whole JSON value, so they can be read as one text.
            lists = decode(b"[" + b",".join([values[index] for index in indexes]) + b"]")
        except REJECTIONS:
            lists = [self._decode_alone(index, values[index], decode) for index in indexes]
        for index, inner in zip(indexes, lists, strict=True):
            if inner:
                self.rows += inner
                self.owners += [index] * len(inner)

    def _decode_alone(self, index: int, raw: Raw, decode: Decode) -> list[Struct] | None:
        try:
            (inner,) = decode(b"[" + raw + b"]")
        except REJECTIONS:
            self.owner.doubt(index)
            return None
        return cast("list[Struct] | None", inner)

    def _doubt_free_content(self) -> None:
        for field in self.shape.of_kind(*FREE_KINDS):
            indexes, texts = self.present(field)
            for index in _misfits(indexes, texts, field) if texts else ():
                self.doubt(index)


class Group(Rows):
    """The items of one event type: `positions` in the input, and the JSON texts they came from."""

    def __init__(self, event_type: EventType, frame_quotes: int) -> None:
        super().__init__(shape_of(event_type.model), [])
        self.event_type = event_type
        # Quotes around the data: 6 in `{"event":"…","data":…}`, none if it comes alone.
        self.frame_quotes = frame_quotes
        self.positions: list[int] = []
        self.json_texts: list[JsonText] = []

    def take_doubtful(self) -> list[int]:
        """Remove the doubtful rows; returns their positions."""
        if not self.doubtful:
            return []
        taken = [self.positions[index] for index in sorted(self.doubtful)]
        self._keep([i for i in range(len(self.rows)) if i not in self.doubtful])
        return taken

    def merge(self, judged: Sequence[Judged]) -> None:
        """Insert rows judged elsewhere at their positions."""
        both = sorted([*self.judged(), *judged], key=lambda one: one[0])
        self.positions = [position for position, _, _ in both]
        self.rows = [row for _, row, _ in both]
        # Only the columnar check needs them, and those of *judged* are not known.
        self.json_texts = []
        self.adjusted = {index: list(what) for index, (_, _, what) in enumerate(both) if what}
        self.arrays.clear()
        self.forget()

    def judged(self) -> list[Judged]:
        """List the rows as `merge` takes them."""
        what = [self.adjusted.get(index, ()) for index in range(len(self.rows))]
        return list(zip(self.positions, self.rows, what, strict=True))

    def adjustments(self) -> list[tuple[int, Adjustment]]:
        """List what is not stored exactly as it was sent, by position."""
        return [
            (self.positions[index], one) for index, what in self.adjusted.items() for one in what
        ]

    def drop(self, indexes: set[int]) -> None:
        """Remove rows for good."""
        self._keep([i for i in range(len(self.rows)) if i not in indexes])

    def _keep(self, indexes: list[int]) -> None:
        self.rows = [self.rows[i] for i in indexes]
        self.positions = [self.positions[i] for i in indexes]
        self.json_texts = [self.json_texts[i] for i in indexes] if self.json_texts else []
        if self.adjusted:
            what = enumerate(map(self.adjusted.get, indexes))
            self.adjusted = {index: one for index, one in what if one is not None}
        if self.arrays:
            self._left = pa.array(indexes, pa.int64())
        self.doubtful = set()
        self.forget()


def _read(shape: Shape, rows: list[Struct], wanted: Field) -> dict[str, list[Any]]:
    """Read the *wanted* field; of more than a few rows all fields at once, in half the time."""
    if len(rows) <= FEW_ROWS:
        return {wanted.name: _without_nulls(wanted, list(map(attrgetter(wanted.name), rows)))}
    flat = list(chain.from_iterable(map(astuple, rows)))
    width = len(shape.fields)
    return {
        field.name: _without_nulls(field, flat[at::width]) for at, field in enumerate(shape.fields)
    }


def _without_nulls(field: Field, values: list[Any]) -> list[Any]:
    if field.nullable and field.kind in RAW_KINDS:
        return [None if one == _NULL else one for one in values]
    return values


def _misfits(indexes: list[int], texts: list[Raw], field: Field) -> Iterator[int]:
    """Yield the indexes of texts that are not content or perhaps too deep, found by bisection."""
    if _all_fit(texts, field):
        return
    if len(texts) == 1:
        yield indexes[0]
        return
    half = len(texts) // 2
    yield from _misfits(indexes[:half], texts[:half], field)
    yield from _misfits(indexes[half:], texts[half:], field)


def _all_fit(texts: list[Raw], field: Field) -> bool:
    long = [text for text in texts if len(text) > SURELY_SHALLOW]
    if long and count_chars(long, b"[{").max() > SURELY_SHALLOW:
        return False
    try:
        _free_decoder(field.kind)(b"[" + b",".join(texts) + b"]")
    except REJECTIONS:
        return False
    return True


@cache
def _free_decoder(kind: FieldKind) -> Decode:
    # A class without fields skips all of them: half the time of making dicts.
    content = msgspec.defstruct("Content", [], gc=False)
    return msgspec.json.Decoder(
        list[content] if kind is FieldKind.OBJECT else list[list[content]]  # type: ignore[valid-type]
    ).decode
