"""Which records are written like one that was valid? Proved of thousands of them in columns.

The fastest of the three roads. A record that has a layout's text at every place, and between it
strings and amounts that hold on their own, is valid like the one the layout was learned from, and
its values are cut out of the text without an object for any of them. Whatever is not proved here
is left over for `events.fast`, and nothing is ever refused here.

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

from events.cuts import Cut, Numbers, cut_values
from events.layout import ESCAPE, FIRST_PRINTED, MARK, Layout, learn
from events.registry import EventType
from events.slow import MAX_ITEM_BYTES
from events.texts import MAX_BYTES, ROOM, cut_out, is_utf8

# Fewer records alike are decoded sooner.
MANY: Final = 150
# So many layouts of a type are known at a time.
LAYOUTS: Final = 16
# So many records of a slice are looked at for layouts that are not known yet.
LESSONS: Final = 2

# The layouts met last. They make a verdict sooner but never another, so they may be kept.
_known_layouts: Final[defaultdict[EventType, list[Layout]]] = defaultdict(list)


def cut_alike(
    event_type: EventType, values: Sequence[bytes | None]
) -> tuple[list[Cut], Sequence[int]]:
    """Cut those of one type's records that are written alike; returns the positions left over too.

    Ids are those of a type whose id is one field.
    """
    page = _page_of(values) if len(values) >= MANY else None
    if page is None:
        return [], range(len(values))
    cuts: list[Cut] = []
    known = _known_layouts[event_type]
    for layout in list(known):
        if _cut(event_type, layout, page, cuts):
            # The next slice is likely written the same way.
            known.remove(layout)
            known.insert(0, layout)
    for number in range(LESSONS):
        lesson = _lesson(page, number)
        learned = None if lesson is None else learn(event_type, values[lesson] or b"")
        if learned is not None and _cut(event_type, learned, page, cuts):
            known.insert(0, learned)
            del known[LAYOUTS:]
    return cuts, page.left.tolist()


class _Page:
    """Records end to end: where each starts and ends, and which quotation marks are its own.

    The marks of record *i* are `counts[i]` from `marks[first[i]]` on; a count of 0 leaves it to
    other roads. `left` are the records not cut yet.
    """

    def __init__(self, text: bytes, sizes: Numbers) -> None:
        letters = np.frombuffer(text, np.uint8)
        self.text = text
        self.ends = np.cumsum(sizes)
        self.starts = self.ends - sizes
        self.marks = np.flatnonzero(letters == ord(MARK))
        self.first = np.searchsorted(self.marks, self.starts)
        self.counts = np.diff(self.first, append=len(self.marks))
        self.counts[sizes > MAX_ITEM_BYTES] = 0
        if letters.min() < ord(FIRST_PRINTED) or ESCAPE in text:
            odd = np.flatnonzero((letters < ord(FIRST_PRINTED)) | (letters == ord(ESCAPE)))
            self.counts[np.searchsorted(self.ends, odd, side="right")] = 0
        self._open = np.ones(len(sizes), np.bool_)
        self.left = np.arange(len(sizes))

    def take(self, rows: Numbers) -> None:
        """Note that *rows* are cut."""
        self._open[rows] = False
        self.left = np.flatnonzero(self._open)


def _page_of(values: Sequence[bytes | None]) -> _Page | None:
    try:
        sizes = np.fromiter(map(len, values), np.int64, len(values))  # type: ignore[arg-type]
    except TypeError:  # a record without a value
        return None
    text = b"".join((*values, b" " * ROOM))  # type: ignore[arg-type]
    # What is cut starts and ends in ASCII, so it is UTF-8 if all of the text is.
    if len(text) > MAX_BYTES or not is_utf8(text):
        return None
    return _Page(text, sizes)


def _lesson(page: _Page, number: int) -> int | None:
    """Choose one of the records left of which most have as many marks, if they are many."""
    counts = page.counts[page.left]
    rows = page.left[counts == np.bincount(counts, minlength=2)[1:].argmax() + 1]
    return int(rows[number * len(rows) // LESSONS]) if len(rows) >= MANY else None


def _cut(event_type: EventType, layout: Layout, page: _Page, cuts: list[Cut]) -> bool:
    """Cut the records of *layout*, if there are many."""
    rows = page.left[page.counts[page.left] == layout.marks]
    if len(rows) < MANY:
        return False
    rows, begins = _alike(layout, page, rows)
    if len(rows) < MANY:
        return False
    cut = cut_values(event_type, layout, page.text, rows, begins)
    if len(cut.positions):
        cuts.append(cut)
        page.take(cut.positions)
    return len(cut.positions) > 0


def _alike(layout: Layout, page: _Page, rows: Numbers) -> tuple[Numbers, Numbers]:
    """Which of *rows*, with as many marks as the layout, are written like it?

    Returns these and where in the page's text each of the layout's segments begins in them.
    """
    first, ends = page.first[rows], page.ends[rows]
    sizes = layout.sizes
    begins = np.empty((len(sizes), len(rows)), np.int64)
    for begin, one in zip(begins, layout.segments, strict=True):
        begin[:] = (
            ends - len(one.text) if one.mark is None else page.marks[first + one.mark] - one.at
        )
    fits = (begins[0] == page.starts[rows]) & (begins[-1] + sizes[-1] == ends)
    fits &= (begins[1:] >= begins[:-1] + sizes[:-1]).all(axis=0)
    rows, begins = _only(fits, rows, begins)
    same = np.ones(len(rows), np.bool_)
    for begin, one in zip(begins, layout.segments, strict=True):
        found = cut_out(page.text, begin, len(one.text))
        if found.tobytes() != one.text * len(rows):
            text = np.frombuffer(one.text, np.uint8)
            same &= (found.reshape(-1, len(text)) == text).all(axis=1)
    return _only(same, rows, begins)


def _only(which: npt.NDArray[np.bool_], rows: Numbers, begins: Numbers) -> tuple[Numbers, Numbers]:
    return (rows, begins) if which.all() else (rows[which], begins[:, which])
