"""The next items of a client: fresh ones, repeats, conflicts, invalid ones, from one seed."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tests.system.chaos.content import KINDS, Item, Version

# Casino bets dominate a real feed.
WEIGHTS = (8, 3, 1, 3, 2, 2)


@dataclass(slots=True)
class Ids:
    """The ids of one tenant, shared by its clients: how many there are, and the latest."""

    next_number: list[Iterator[int]] = field(
        default_factory=lambda: [itertools.count() for _ in KINDS]
    )
    recent: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=3000))


class Traffic:
    """The items of one client; of its invalid ones *rubbish_share* are not items at all."""

    def __init__(
        self, seed: str, ids: Ids, *, rubbish_share: float = 0.0, conflicts: bool = True
    ) -> None:
        self._random = Random(seed)  # noqa: S311 - repeatable, not secret
        self._ids = ids
        self._rubbish_share = rubbish_share
        self._repeated = Version.OTHER if conflicts else Version.FIRST

    def batch(self, size: int) -> list[Item]:
        """The next *size* items."""
        return [self._item() for _ in range(size)]

    def size(self, most: int) -> int:
        """Small batches often, large ones sometimes."""
        return 1 + int(most * self._random.random() ** 3)

    def chance(self) -> float:
        """A number from 0 to 1."""
        return self._random.random()

    def _item(self) -> Item:
        chance = self._random.random()
        if chance < 0.07 and self._ids.recent:
            return Item(*self._random.choice(self._ids.recent), Version.FIRST)
        if chance < 0.085 and self._ids.recent:
            return Item(*self._random.choice(self._ids.recent), self._repeated)
        kind = self._random.choices(range(len(KINDS)), WEIGHTS)[0]
        number = next(self._ids.next_number[kind])
        if chance < 0.1:
            if chance < 0.095:
                # A client will send the right one later.
                self._ids.recent.append((kind, number))
            rubbish = self._random.random() < self._rubbish_share
            return Item(kind, number, Version.RUBBISH if rubbish else Version.INVALID)
        self._ids.recent.append((kind, number))
        return Item(kind, number, Version.FIRST)
