"""Finds the date-times of a column that are not written the usual way, by their bytes, all at once.

The usual way is `2026-01-16T19:00:00`, up to nine decimal places, and `Z` or an offset such as
`+01:00`, in the years 1901 to 2261. Whether a day, an hour or an offset exists, Arrow knows when it
reads them; what Arrow allows beyond that (a space for the T, no seconds, no colon) is not usual.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from events.check.columnar.texts import Chars, gather, offsets_of

Positions = npt.NDArray[np.int64]

FIRST_YEAR: Final = 1901
LAST_YEAR: Final = 2261
# Fewer are found faster by reading them: numpy takes some 30 microseconds however few they are.
MANY: Final = 400
_FIRST_CHARS: Final = int.from_bytes(str(FIRST_YEAR).encode(), "big")
_LAST_CHARS: Final = int.from_bytes(str(LAST_YEAR).encode(), "big")
_SECONDS: Final = "0000-00-00T00:00:00"
_UTC: Final = "Z"
_OFFSET: Final = "+00:00"

# Without decimal places, or with a point and one to nine of them.
_USUAL_SIZES: Final = sorted(
    {
        len(_SECONDS) + places + len(zone)
        for places in (0, *range(2, 11))
        for zone in (_UTC, _OFFSET)
    }
)

_rfc_3339 = msgspec.json.Decoder(list[Annotated[datetime, msgspec.Meta(tz=True)]])


def unusual(texts: pa.Array, values: Sequence[str] | None = None) -> Positions:
    """The indexes of *texts* that may be written in another way; *values*, if given, are the same.

    Of a few texts, all are returned if one is unusual.
    """
    if len(texts) < MANY:
        plain = _few_are_plain(texts.to_pylist() if values is None else values)
        return np.arange(0 if plain else len(texts))
    chars = np.frombuffer(texts.buffers()[2], np.uint8)
    offsets = offsets_of(texts)
    sizes = offsets[1:] - offsets[:-1]
    size = int(sizes[0])
    if size and (sizes == size).all():
        return _unusual(chars[offsets[0] : offsets[-1]], size)
    found = [np.flatnonzero(~np.isin(sizes, _USUAL_SIZES))]
    for size in _USUAL_SIZES:
        rows = np.flatnonzero(sizes == size)
        if len(rows):
            found.append(rows[_unusual(gather(chars, offsets[rows], size), size)])
    return np.concatenate(found)


def _few_are_plain(values: Sequence[str]) -> bool:
    """Tell whether msgspec reads all and none has the two forms that it accepts beyond the RFC.

    Those are a space for the T and an offset without its colon: each text has two colons, and a
    third if it does not end in Z.
    """
    joined = '","'.join(values)
    if " " in joined or joined.count(":") != 3 * len(values) - joined.count("Z"):
        return False
    try:
        moments = _rfc_3339.decode(f'["{joined}"]')
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return False
    if len(moments) != len(values):
        return False
    return all(FIRST_YEAR <= moment.year <= LAST_YEAR for moment in moments)


def _unusual(chars: Chars, size: int) -> Positions:
    """As `unusual`, for texts of one *size*, end to end."""
    count = len(chars) // size
    zone = _UTC if chars[size - 1] == ord(_UTC) else _OFFSET
    pattern = _pattern(size - len(zone), zone)
    if pattern is None:
        return np.arange(count)
    # Row by row takes five times as long: numpy has a fixed cost for each.
    low, span = (np.frombuffer(part * count, np.uint8) for part in pattern)
    found = [np.flatnonzero(chars - low > span) // size]
    if zone == _OFFSET:
        found.append(np.flatnonzero(chars[size - len(zone) :: size] == ord(",")))
    years = np.ndarray(count, ">u4", chars, strides=(size,))
    if years.min() < _FIRST_CHARS or years.max() > _LAST_CHARS:
        found.append(np.flatnonzero((years < _FIRST_CHARS) | (years > _LAST_CHARS)))
    return np.unique(np.concatenate(found)) if any(map(len, found)) else found[0]


@cache
def _pattern(size: int, zone: str) -> tuple[bytes, bytes] | None:
    """The lowest byte at each index and how far above it is allowed; None if no text is so long.

    A digit is 0 to 9, a sign is + to - (and the comma between them), others are themselves.
    """
    places = size - len(_SECONDS)
    if places and not 2 <= places <= 10:  # the point and its digits
        return None
    text = _SECONDS + "." * (places > 0) + "0" * (places - 1) + zone
    spans = {"0": 9, "+": 2}
    return text.encode(), bytes(spans.get(char, 0) for char in text)
