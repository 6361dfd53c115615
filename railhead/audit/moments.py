"""Reads the moments operators write, as in `--since 2h`: a time ago, a day, or an instant."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
HOW_TO: Final = "give 90m, 2h, 7d, 2026-01-31 or 2026-01-31T18:00:00Z"
_AGO: Final = re.compile(r"(\d{1,6})([smhdw])")


def parse_moment(text: str, now: datetime) -> datetime:
    """Read *text*: a number and a unit (s, m, h, d, w) before *now*, or an ISO 8601 date or time.

    Without an offset a time is UTC.

    Raises:
        ValueError: it is neither; the text says what to give.
    """
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago:
            return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a moment: {HOW_TO}") from None


def milliseconds(moment: datetime | None) -> int:
    """*moment* in milliseconds since 1970; 0 for None."""
    return 0 if moment is None else round(moment.timestamp() * 1000)
