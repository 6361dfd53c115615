"""Finds items that may repeat a known name, among those with more strings than the contract knows.

Each known name must stand in the text, quotes included, as often as the decoded rows have it. It
stands there at least that often, so equal totals prove many items at once; only where totals differ
are the halves looked at. A name written with an escaped character would not be found, so text with
such escapes stays in doubt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import UNSET, Raw

from events.check.columnar.decoded_rows import Group, Rows
from events.check.columnar.row_classes import Shape
from events.contract.fields import FieldKind

Indexes = npt.NDArray[np.int64]
# \u0040 to \u007f: the characters that contract names are made of.
_ESCAPED_CHAR: Final = re.compile(rb"\\u00[4-7]")


def find_repeats(group: Group, indexes: Indexes) -> Iterator[int]:
    """Yield those of *indexes* whose text is not proved free of repeated names."""
    if not len(indexes) or _proved(group, indexes):
        return
    if len(indexes) == 1:
        yield int(indexes[0])
        return
    half = len(indexes) // 2
    yield from find_repeats(group, indexes[:half])
    yield from find_repeats(group, indexes[half:])


def _proved(group: Group, indexes: Indexes) -> bool:
    text = b"".join([group.json_texts[index] for index in indexes.tolist()])
    framed = len(indexes) if group.frame_quotes else 0
    if b"\\" in text and _ESCAPED_CHAR.search(text):
        return False
    needed = Counter({b'"event"': framed, b'"data"': framed})
    _count_names(needed, group, indexes)
    for inner in group.nested().values():
        inside = np.flatnonzero(np.isin(inner.owners, indexes))
        needed.update(dict.fromkeys(_quoted_names(inner.shape), 0))
        _count_names(needed, inner, inside)
        _count_free_content(needed, inner, inside)
    return all(text.count(name) == count for name, count in needed.items())


def _count_names(needed: Counter[bytes], rows: Rows, indexes: Indexes) -> None:
    for name, field in zip(_quoted_names(rows.shape), rows.shape.fields, strict=True):
        absent = 0 if field.required else int(rows.where(field, UNSET)[indexes].sum())
        needed[name] += len(indexes) - absent


def _count_free_content(needed: Counter[bytes], rows: Rows, indexes: Indexes) -> None:
    for field in rows.shape.of_kind(FieldKind.OBJECTS, FieldKind.OBJECT):
        values = rows.values(field)
        text = b"\n".join([value for index in indexes if isinstance(value := values[index], Raw)])
        for name in needed:
            needed[name] += text.count(name)


@cache
def _quoted_names(shape: Shape) -> tuple[bytes, ...]:
    return tuple(f'"{field.name}"'.encode() for field in shape.fields)
