"""Generates the evening: consistent, valid items in order.

A player registers, logs in and deposits before the first bet; nobody stakes more than they have;
a gameround's sums are those of its casino events; a settlement names a bet that was placed. The
same seed gives the same evening; another seed gives other ids and other players.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from demo.traffic.casino import CasinoEvening
from demo.traffic.dice import DemoClock, Dice
from demo.traffic.items import EveningItem
from demo.traffic.players import Players
from demo.traffic.sportsbook import Sportsbook


class Evening:
    """An endless supply of valid items whose times run from 18:00 UTC over eight hours.

    *items* is about how many will be taken: it sets the pace of the clock and the number of
    guests. Taking more is allowed; the clock then runs on.
    """

    def __init__(self, seed: int, items: int, day: dt.date) -> None:
        self._dice, self._clock = Dice(seed), DemoClock(day, items)
        self._players = Players(self._dice, self._clock, items)
        casino = CasinoEvening(self._dice, self._clock, self._players)
        sports = Sportsbook(self._dice, self._clock, self._players)
        self._scenes = (
            (0.012, self._players.arrive),
            (0.024, self._players.leave),
            (0.032, self._players.come_back),
            (0.100, sports.bet),
            (0.165, sports.settle),
            (0.195, self._players.log_in),
            (0.240, self._players.pay_in),
            (1.000, casino.play),
        )

    def items(self) -> Iterator[EveningItem]:
        """Yield items without end; a `ConflictingPair` is one entry with two items."""
        while True:
            scene = self._players.arrive
            if not self._players.are_few:
                pick = self._dice.chance()
                scene = next(scene for cut, scene in self._scenes if pick < cut)
            for item in scene():
                self._clock.tick()
                yield item
