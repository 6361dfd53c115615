"""Marks items in which a name may stand twice, by counting quotes.

Every string of a JSON text has two quotes that are not escaped. If an item has exactly as many
quotes as the strings that the decoder read from it need, then it holds no other string: no unknown
name, and no name a second time. Where there are more, `events.check.columnar.repeated_names` looks
at the names themselves.
"""

from __future__ import annotations

from functools import cache
from types import NoneType
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import UNSET, Raw, UnsetType

from events.check.columnar.decoded_rows import Group, Rows
from events.check.columnar.repeated_names import find_repeats
from events.check.columnar.row_classes import FREE_KINDS, Shape
from events.check.columnar.texts import count_chars, is_utf8
from events.check.exact import MAX_ITEM_BYTES
from events.contract.fields import Field, FieldKind
from events.values.json_text import MAX_DEPTH

QuoteCounts = npt.NDArray[np.int64]
_TEXTS: Final = {FieldKind.TEXT, FieldKind.CHOICE, FieldKind.INSTANT}
# So many levels of brackets need at least two bytes each.
SURELY_FLAT_BYTES: Final = 2 * MAX_DEPTH


def doubt_repeated_names(group: Group) -> None:
    """Mark the rows whose text may hold a known name twice, be too long, too deep or not UTF-8.

    A row that has no more quotes than it needs is flat as well: it nests only as known names do.
    """
    joined = b"".join(group.json_texts)
    lengths = np.fromiter(map(len, group.json_texts), np.int64, len(group.json_texts))
    _doubt_bad_encoding(group, joined)
    _doubt_where(group, lengths > MAX_ITEM_BYTES)
    chars = np.frombuffer(joined, np.uint8)
    quotes = chars == ord('"')
    needed = _quotes_of(group) + group.frame_quotes
    for inner in group.nested().values():
        np.add.at(needed, inner.owners, _quotes_of(inner))
    if np.count_nonzero(quotes) == needed.sum():
        return
    starts = np.cumsum(lengths) - lengths
    strange = np.add.reduceat(quotes, starts, dtype=np.int64) != needed
    if lengths.max() > SURELY_FLAT_BYTES:
        brackets = (chars == ord("[")) | (chars == ord("{"))
        depths = np.add.reduceat(brackets, starts, dtype=np.int64)
        _doubt_where(group, strange & (depths > MAX_DEPTH))
    for index in find_repeats(group, np.flatnonzero(strange)):
        group.doubt(index)


def _doubt_where(group: Group, doubtful: npt.NDArray[np.bool_]) -> None:
    if doubtful.any():
        group.doubtful.update(np.flatnonzero(doubtful).tolist())


def _doubt_bad_encoding(group: Group, joined: bytes) -> None:
    # Items start and end with ASCII, so they are UTF-8 together if and only if each of them is.
    if is_utf8(joined):
        return
    for index, raw in enumerate(group.json_texts):
        if not is_utf8(bytes(raw)):
            group.doubt(index)


def _quotes_of(rows: Rows) -> QuoteCounts:
    """Count the quotes that each row's own names and values need."""
    certain, uncertain = _most_quotes(rows.shape)
    quotes = np.full(len(rows.rows), certain, np.int64)
    for field, most in uncertain:
        _add_uncertain(quotes, rows, field, most)
    for field in rows.shape.of_kind(*FREE_KINDS):
        if Raw in rows.kinds(field):
            quotes += count_chars(rows.values(field), b'"')
    return quotes


@cache
def _most_quotes(shape: Shape) -> tuple[int, list[tuple[Field, int]]]:
    """Sum the quotes of the fields that are always there; list the others, with theirs."""
    most = {field: 4 if field.kind in _TEXTS else 2 for field in shape.fields}
    uncertain = [field for field in shape.fields if field.nullable or not field.required]
    certain = sum(most[field] for field in shape.fields if field not in uncertain)
    return certain, [(field, most[field]) for field in uncertain]


def _add_uncertain(quotes: QuoteCounts, rows: Rows, field: Field, most: int) -> None:
    kinds = rows.kinds(field)
    if kinds == {UnsetType}:
        return
    quotes += most
    if UnsetType in kinds:
        quotes -= most * rows.where(field, UNSET)
    if field.kind in _TEXTS and NoneType in kinds:
        quotes -= 2 * rows.where(field, None)
