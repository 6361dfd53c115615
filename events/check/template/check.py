"""Which records are written like one that was valid? Proved of thousands of them in columns.

The fastest of the three roads. A record that has a layout's text at every place, and between it
strings and amounts that hold on their own, is valid like the one the layout was learned from, and
its values are cut out of the text without an object for any of them. Whatever is not proved here
is left over for `events.columnar`, and nothing is ever refused here.

Why the text between the values need only be compared: a record without a backslash has a string
from each quotation mark to the next, so the number of a mark tells where a layout's text must
stand, and no string in between can hold one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from events.check.columnar.texts import MAX_BYTES, PADDING, is_utf8, slice_out
from events.check.exact import MAX_ITEM_BYTES
from events.check.template.field_extraction import ExtractedFields, Numbers, extract_values
from events.check.template.template import DELIMITER, ESCAPE, FIRST_PRINTED, Template, make_template
from events.contract.registry import EventType

# Fewer records alike are decoded sooner.
MANY: Final = 150
# So many layouts of a type are known at a time.
TEMPLATES: Final = 16
# So many records of a slice are looked at for layouts that are not known yet.
SAMPLES: Final = 2

# The layouts met last. They make a verdict sooner but never another, so they may be kept.
_known_templates: Final[defaultdict[EventType, list[Template]]] = defaultdict(list)


def match_templates(
    event_type: EventType, values: Sequence[bytes | None]
) -> tuple[list[ExtractedFields], Sequence[int]]:
    """Cut those of one type's records that are written alike; returns the positions left over too.

    Ids are those of a type whose id is one field.
    """
    buffer = _buffer_of(values) if len(values) >= MANY else None
    if buffer is None:
        return [], range(len(values))
    extracted: list[ExtractedFields] = []
    known = _known_templates[event_type]
    for template in list(known):
        if _extract(event_type, template, buffer, extracted):
            # The next slice is likely written the same way.
            known.remove(template)
            known.insert(0, template)
    for number in range(SAMPLES):
        sample = _sample(buffer, number)
        made = None if sample is None else make_template(event_type, values[sample] or b"")
        if made is not None and _extract(event_type, made, buffer, extracted):
            known.insert(0, made)
            del known[TEMPLATES:]
    return extracted, buffer.left.tolist()


class _Buffer:
    """Records end to end: where each starts and ends, and which quotation marks are its own.

    The marks of record *i* are `counts[i]` from `delimiters[first[i]]` on; a count of 0 leaves it to
    other roads. `left` are the records not cut yet.
    """

    def __init__(self, text: bytes, sizes: Numbers) -> None:
        chars = np.frombuffer(text, np.uint8)
        self.text = text
        self.ends = np.cumsum(sizes)
        self.starts = self.ends - sizes
        self.delimiters = np.flatnonzero(chars == ord(DELIMITER))
        self.first = np.searchsorted(self.delimiters, self.starts)
        self.counts = np.diff(self.first, append=len(self.delimiters))
        self.counts[sizes > MAX_ITEM_BYTES] = 0
        if chars.min() < ord(FIRST_PRINTED) or ESCAPE in text:
            odd = np.flatnonzero((chars < ord(FIRST_PRINTED)) | (chars == ord(ESCAPE)))
            self.counts[np.searchsorted(self.ends, odd, side="right")] = 0
        self._open = np.ones(len(sizes), np.bool_)
        self.left = np.arange(len(sizes))

    def take(self, rows: Numbers) -> None:
        """Note that *rows* are cut."""
        self._open[rows] = False
        self.left = np.flatnonzero(self._open)


def _buffer_of(values: Sequence[bytes | None]) -> _Buffer | None:
    try:
        sizes = np.fromiter(map(len, values), np.int64, len(values))  # type: ignore[arg-type]
    except TypeError:  # a record without a value
        return None
    text = b"".join((*values, b" " * PADDING))  # type: ignore[arg-type]
    # What is cut starts and ends in ASCII, so it is UTF-8 if all of the text is.
    if len(text) > MAX_BYTES or not is_utf8(text):
        return None
    return _Buffer(text, sizes)


def _sample(buffer: _Buffer, number: int) -> int | None:
    """Choose one of the records left of which most have as many marks, if they are many."""
    counts = buffer.counts[buffer.left]
    rows = buffer.left[counts == np.bincount(counts, minlength=2)[1:].argmax() + 1]
    return int(rows[number * len(rows) // SAMPLES]) if len(rows) >= MANY else None


def _extract(
    event_type: EventType, template: Template, buffer: _Buffer, extracted: list[ExtractedFields]
) -> bool:
    """Cut the records of *layout*, if there are many."""
    rows = buffer.left[buffer.counts[buffer.left] == template.delimiters]
    if len(rows) < MANY:
        return False
    rows, begins = _equal(template, buffer, rows)
    if len(rows) < MANY:
        return False
    cut = extract_values(event_type, template, buffer.text, rows, begins)
    if len(cut.positions):
        extracted.append(cut)
        buffer.take(cut.positions)
    return len(cut.positions) > 0


def _equal(template: Template, buffer: _Buffer, rows: Numbers) -> tuple[Numbers, Numbers]:
    """Which of *rows*, with as many marks as the layout, are written like it?

    Returns these and where in the page's text each of the layout's segments begins in them.
    """
    first, ends = buffer.first[rows], buffer.ends[rows]
    sizes = template.sizes
    begins = np.empty((len(sizes), len(rows)), np.int64)
    for begin, one in zip(begins, template.literals, strict=True):
        begin[:] = (
            ends - len(one.text)
            if one.delimiter is None
            else buffer.delimiters[first + one.delimiter] - one.at
        )
    fits = (begins[0] == buffer.starts[rows]) & (begins[-1] + sizes[-1] == ends)
    fits &= (begins[1:] >= begins[:-1] + sizes[:-1]).all(axis=0)
    rows, begins = _only(fits, rows, begins)
    same = np.ones(len(rows), np.bool_)
    for begin, one in zip(begins, template.literals, strict=True):
        found = slice_out(buffer.text, begin, len(one.text))
        if found.tobytes() != one.text * len(rows):
            text = np.frombuffer(one.text, np.uint8)
            same &= (found.reshape(-1, len(text)) == text).all(axis=1)
    return _only(same, rows, begins)


def _only(which: npt.NDArray[np.bool_], rows: Numbers, begins: Numbers) -> tuple[Numbers, Numbers]:
    return (rows, begins) if which.all() else (rows[which], begins[:, which])
