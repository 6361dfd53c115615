"""Are all date-times of a column written the usual way? Asked of their letters, all at once.

The usual way is `2026-01-16T19:00:00`, up to nine places, and `Z` or an offset such as `+01:00`, in
the years 1901 to 2261. Which days, hours and offsets there are, Arrow knows when it reads them;
its liberties (a space for the T, no seconds, no colon) are not written that way.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from events.texts import offsets_of

Letters = npt.NDArray[np.uint8]

_FIRST_YEAR: Final = int.from_bytes(b"1901", "big")
_LAST_YEAR: Final = int.from_bytes(b"2261", "big")
_SECONDS: Final = "0000-00-00T00:00:00"
_UTC: Final = "Z"
_OFFSET: Final = "+00:00"


def all_plain(texts: pa.Array) -> bool:
    """Tell whether each of *texts* is written the usual way; none is null."""
    letters = np.frombuffer(texts.buffers()[2], np.uint8)
    offsets = offsets_of(texts)
    sizes = np.diff(offsets)
    size = int(sizes[0])
    if (sizes == size).all():
        return _are_plain(letters[offsets[0] : offsets[-1]], size)
    return all(
        _are_plain(_cut_out(letters, offsets[:-1][sizes == size], size), size)
        for size in set(sizes.tolist())
    )


def _cut_out(letters: Letters, starts: npt.NDArray[np.int32], size: int) -> Letters:
    """Copy the texts of one *size* that stand at *starts*."""
    if not size:
        return letters[:0]
    everywhere = np.ndarray(len(letters) - size + 1, f"V{size}", letters, strides=(1,))
    return everywhere[starts].view(np.uint8)


def _are_plain(letters: Letters, size: int) -> bool:
    """Tell it of texts of one *size*, end to end."""
    zone = _UTC if size and letters[size - 1] == ord(_UTC) else _OFFSET
    pattern = _pattern(size - len(zone), zone)
    if pattern is None:
        return False
    count = len(letters) // size
    # Row by row takes five times as long: numpy starts anew for each.
    low, span = (np.frombuffer(part * count, np.uint8) for part in pattern)
    if not (letters - low <= span).all():
        return False
    if zone == _OFFSET and (letters[size - len(zone) :: size] == ord(",")).any():
        return False
    years = np.ndarray(count, ">u4", letters, strides=(size,))
    return bool(years.min() >= _FIRST_YEAR and years.max() <= _LAST_YEAR)


@cache
def _pattern(size: int, zone: str) -> tuple[bytes, bytes] | None:
    """The lowest letter of each place and how far above it may be; None if no text is so long.

    A digit is 0 to 9, a sign is + to - (and the comma between them), others are themselves.
    """
    places = size - len(_SECONDS)
    if places and not 2 <= places <= 10:  # the point and its digits
        return None
    text = _SECONDS + "." * (places > 0) + "0" * (places - 1) + zone
    spans = {"0": 9, "+": 2}
    return text.encode(), bytes(spans.get(letter, 0) for letter in text)
