"""The template check: proves thousands of records that are written like a valid one, in columns.

The fastest of the three checks. A record is valid like the one a template was made from if it has
the template's literals at the right offsets, and between them strings and amounts that are valid
by themselves. Its values are extracted from the text without an object for any of them. Whatever
is not proved here is left for the columnar check, and nothing is ever rejected here.

Why comparing the text between the values is enough: a record without a backslash has a string
from each quote to the next, so the number of a quote tells where a literal must stand, and no
string in between can hold a quote.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from events.check.columnar.texts import MAX_BYTES, PADDING, gather, is_utf8
from events.check.exact import MAX_ITEM_BYTES
from events.check.template.field_extraction import ExtractedFields, Numbers, extract_values
from events.check.template.template import DELIMITER, ESCAPE, FIRST_PRINTED, Template, make_template
from events.contract.registry import EventType

# Fewer records of one template are decoded faster than matched.
MANY: Final = 150
# So many templates of a type are kept at a time.
TEMPLATES: Final = 16
# So many records of a chunk are tried as samples of new templates.
SAMPLES: Final = 2

KnownTemplates = dict[EventType, list[Template]]
"""The templates used last. They make a check faster and never change an outcome."""


def match_templates(
    known_templates: KnownTemplates, event_type: EventType, values: Sequence[bytes | None]
) -> tuple[list[ExtractedFields], Sequence[int]]:
    """Extract the records of one type that match a template; returns the positions left over too.

    Only for types whose id is one field. *known_templates* is brought up to date.
    """
    buffer = _buffer_of(values) if len(values) >= MANY else None
    if buffer is None:
        return [], range(len(values))
    extracted: list[ExtractedFields] = []
    known = known_templates.setdefault(event_type, [])
    for template in list(known):
        if _extract(event_type, template, buffer, extracted):
            # The next chunk is likely written the same way.
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
    """Records end to end: where each starts and ends, and which quotes belong to it.

    The quotes of record *i* are `counts[i]` from `delimiters[first[i]]` on; a count of 0 leaves it
    to the other checks. `left` are the records not extracted yet.
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
        """Note that *rows* are extracted."""
        self._open[rows] = False
        self.left = np.flatnonzero(self._open)


def _buffer_of(values: Sequence[bytes | None]) -> _Buffer | None:
    try:
        sizes = np.fromiter(map(len, values), np.int64, len(values))  # type: ignore[arg-type]
    except TypeError:  # a record without a value
        return None
    text = b"".join((*values, b" " * PADDING))  # type: ignore[arg-type]
    # Extracted text is bounded by ASCII, so it is UTF-8 if all of the text is.
    if len(text) > MAX_BYTES or not is_utf8(text):
        return None
    return _Buffer(text, sizes)


def _sample(buffer: _Buffer, number: int) -> int | None:
    """Choose one of the records left with the most frequent number of quotes, if they are many."""
    counts = buffer.counts[buffer.left]
    rows = buffer.left[counts == np.bincount(counts, minlength=2)[1:].argmax() + 1]
    return int(rows[number * len(rows) // SAMPLES]) if len(rows) >= MANY else None


def _extract(
    event_type: EventType, template: Template, buffer: _Buffer, extracted: list[ExtractedFields]
) -> bool:
    """Extract the records that match *template*, if there are many."""
    rows = buffer.left[buffer.counts[buffer.left] == template.delimiters]
    if len(rows) < MANY:
        return False
    rows, begins = _equal(template, buffer, rows)
    if len(rows) < MANY:
        return False
    fields = extract_values(event_type, template, buffer.text, rows, begins)
    if len(fields.positions):
        extracted.append(fields)
        buffer.take(fields.positions)
    return len(fields.positions) > 0


def _equal(template: Template, buffer: _Buffer, rows: Numbers) -> tuple[Numbers, Numbers]:
    """Find those of *rows*, with as many quotes as the template, that match it.

    Returns these, and where in the buffer's text each of the template's literals begins in them.
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
        found = gather(buffer.text, begin, len(one.text))
        if found.tobytes() != one.text * len(rows):
            text = np.frombuffer(one.text, np.uint8)
            same &= (found.reshape(-1, len(text)) == text).all(axis=1)
    return _only(same, rows, begins)


def _only(which: npt.NDArray[np.bool_], rows: Numbers, begins: Numbers) -> tuple[Numbers, Numbers]:
    return (rows, begins) if which.all() else (rows[which], begins[:, which])
