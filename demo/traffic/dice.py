"""Repeatable chance, ids and wall times for one seed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")

STARTS_AT_HOUR = 18
LASTS_SECONDS = 8 * 3600


class Dice:
    """Chance and ids that are the same for the same seed, and ids that differ between seeds."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed).random  # noqa: S311  repeatable, not secret
        self.prefix = blake2b(str(seed).encode(), digest_size=4).hexdigest()[:6]
        self._serial = 0

    def below(self, bound: int) -> int:
        """Return a whole number from 0 to *bound* - 1."""
        return int(self.chance() * bound)

    def one_of(self, values: Sequence[T]) -> T:
        """Return one of *values*, each as likely as the others."""
        return values[int(self.chance() * len(values))]

    def new_id(self) -> str:
        """Return an id that is new in this evening."""
        self._serial += 1
        return f"{self.prefix}{self._serial:06x}"


@lru_cache(maxsize=64)
def _opening(day: dt.date, offset: str) -> dt.datetime:
    """Return 18:00 UTC of *day* as the wall clock at *offset* shows it."""
    zone = dt.UTC if offset == "Z" else dt.datetime.strptime(offset, "%z").tzinfo
    opening = dt.datetime.combine(day, dt.time(STARTS_AT_HOUR), dt.UTC)
    return opening.astimezone(zone).replace(tzinfo=None)


@lru_cache(maxsize=1 << 16)
def _whole_second(day: dt.date, second: int, offset: str) -> str:
    return (_opening(day, offset) + dt.timedelta(seconds=second)).isoformat()


def rfc3339(day: dt.date, milliseconds: int, offset: str) -> str:
    """Return the instant *milliseconds* after 18:00 UTC of *day* as people at *offset* write it."""
    second, millisecond = divmod(milliseconds, 1000)
    return f"{_whole_second(day, second, offset)}.{millisecond:03d}{offset}"


class DemoClock:
    """The time of one evening, which advances with each item: about *items* in eight hours."""

    def __init__(self, day: dt.date, items: int) -> None:
        self._day = day
        self._given = 0
        self._milliseconds_per_item = LASTS_SECONDS * 1000 / max(items, 1)

    def tick(self) -> None:
        """Advance by one item."""
        self._given += 1

    def at(self, offset: str, later_seconds: int = 0) -> str:
        """Return the time now, plus *later_seconds*, as people at *offset* write it."""
        now = int(self._given * self._milliseconds_per_item)
        return rfc3339(self._day, now + 1000 * later_seconds, offset)
