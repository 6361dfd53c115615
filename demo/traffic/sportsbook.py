"""Sports bets: slips of one to five legs, settled in the order they were placed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Final

from demo.traffic import catalogue, item_texts
from demo.traffic.dice import DemoClock, Dice
from demo.traffic.item_texts import BettingSlip
from demo.traffic.items import EveningItem, SentItem
from demo.traffic.players import Players

# Thousandths of all stakes.
PAYS_BACK: Final = 930


class Sportsbook:
    """The bets of one evening, and those that are still open.

    As in the casino, no slip wins more than the stakes so far leave for that.
    """

    def __init__(self, dice: Dice, clock: DemoClock, players: Players) -> None:
        self._dice = dice
        self._clock = clock
        self._players = players
        self._legs = catalogue.legs(clock.at("Z"))
        self._open: deque[BettingSlip] = deque()
        self._to_pay: Counter[str] = Counter()

    def bet(self) -> Iterator[EveningItem]:
        """A player places a slip."""
        player = self._players.one()
        stake = self._players.units(player.currency, 100 + 100 * self._dice.below(20))
        if stake > player.balance:
            return
        count = self._dice.one_of((1, 1, 1, 1, 2, 2, 3, 3, 4, 5))
        first = self._dice.below(len(self._legs))
        legs = tuple(self._legs[(first + 17 * n) % len(self._legs)] for n in range(count))
        odds = 100
        for leg in legs:
            odds = odds * leg.odds // 100
        bet_type = "Single" if count == 1 else "System" if count > 3 and stake % 2 else "Multi"
        slip = BettingSlip(player, self._dice.new_id(), bet_type, odds, stake, legs)
        player.balance -= stake
        self._open.append(slip)
        yield SentItem(
            "realtime-sports-bet",
            item_texts.sports_bet(slip, self._clock.at(player.offset)),
        )

    def settle(self) -> Iterator[EveningItem]:
        """Settle the oldest open slip: it wins, or is cashed out early, or loses."""
        if not self._open:
            return
        slip, luck = self._open.popleft(), self._dice.chance()
        currency = slip.player.currency.code
        self._to_pay[currency] += slip.stake * PAYS_BACK
        payout = 0
        if luck < 130 / slip.odds:
            payout = slip.stake * slip.odds // 100
        elif luck > 0.95:
            payout = slip.stake * 4 // 5
        if 1000 * payout > self._to_pay[currency]:
            payout = 0
        self._to_pay[currency] -= 1000 * payout
        slip.player.balance += payout
        cashed_out = "true" if 0 < payout < slip.stake else "false"
        at = self._clock.at(slip.player.offset)
        text = item_texts.settlement(slip, self._dice.new_id(), at, (payout, cashed_out))
        yield SentItem("realtime-sports-bet", text)
