"""Who plays tonight, and what does the sender have to tell about it? Consistent, in order, valid.

A player registers, logs in and deposits before the first bet; nobody stakes more than they have;
a gameround's sums are those of its casino events; a settlement names a bet that was placed. The
same seed tells the same evening, and another seed tells it with other ids and other players.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import NamedTuple

from railhead.demo import catalogue, wording
from railhead.demo.dice import LASTS_SECONDS, Dice, rfc3339
from railhead.demo.money import CURRENCIES, Currency
from railhead.demo.wording import Player, Round, Ticket

FIRST_GUESTS = 20

_CURRENCY_CUTS = tuple(accumulate(currency.share for currency in CURRENCIES))


class Item(NamedTuple):
    """One valid item: its event type, its JSON text, and whether it may be sent again later."""

    event: str
    text: str
    contested: bool = False


class Clash(NamedTuple):
    """A payment told twice under one id with two statuses: the first counts."""

    first: Item
    later: Item


class Evening:
    """An endless supply of valid items whose times run from 18:00 UTC over eight hours.

    *items* is about how many will be taken: it sets the pace of the clock and the number of
    guests. Taking more is allowed; the clock then runs on.
    """

    def __init__(self, seed: int, items: int, day: dt.date) -> None:
        self._dice = Dice(seed)
        self._told = 0
        self._day = day
        self._milliseconds_per_item = LASTS_SECONDS * 1000 / max(items, 1)
        self._first_guests = min(FIRST_GUESTS, 1 + items // 100)
        self._present: list[Player] = []
        self._gone: list[Player] = []
        self._open: deque[Ticket] = deque()
        self._legs = catalogue.legs(self._at(Player("", "", "", "", "", "Z", CURRENCIES[0])))
        self._scenes: tuple[tuple[float, Callable[[], Iterator[Item | Clash]]], ...] = (
            (0.020, self._arrive),
            (0.035, self._leave),
            (0.045, self._return),
            (0.110, self._bet_on_sports),
            (0.170, self._settle),
            (0.200, self._log_in),
            (0.250, self._pay_in),
            (1.000, self._play),
        )

    def items(self) -> Iterator[Item | Clash]:
        """Tell the evening without end; a `Clash` is one story with two items."""
        while True:
            scene = self._arrive
            if len(self._present) >= self._first_guests:
                pick = self._dice.chance()
                scene = next(scene for cut, scene in self._scenes if pick < cut)
            for item in scene():
                self._told += 1
                yield item

    def _at(self, player: Player, later_seconds: int = 0) -> str:
        """Return the time now, plus *later_seconds*, as *player*'s part of the world writes it."""
        now = int(self._told * self._milliseconds_per_item)
        return rfc3339(self._day, now + 1000 * later_seconds, player.offset)

    def _guest(self) -> Player:
        return self._dice.one_of(self._present)

    def _currency(self) -> Currency:
        pick = self._dice.chance()
        pairs = zip(_CURRENCY_CUTS, CURRENCIES, strict=True)
        return next((currency for cut, currency in pairs if pick < cut), CURRENCIES[0])

    def _units(self, currency: Currency, cents: int) -> int:
        """Return *cents* of a euro in *currency*; crypto amounts use all of their places."""
        units = max(1, cents * currency.units_per_euro // 100)
        return units + self._dice.below(units) // 7 if currency.places > 2 else units

    def _arrive(self) -> Iterator[Item | Clash]:
        country, offset = self._dice.one_of(catalogue.COUNTRIES)
        number = len(self._present) + len(self._gone) + 1
        player = Player(
            user_id=f"{int(self._dice.prefix, 16)}{number:05d}",
            username=f"{self._dice.one_of(catalogue.NAMES)}{number}",
            country=country,
            gender=self._dice.one_of(('"female"', '"male"', "null")),
            consent=self._dice.one_of(("true", "false", "null")),
            offset=offset,
            currency=self._currency(),
        )
        yield Item(
            "realtime-registration",
            wording.registration(player, self._dice.new_id(), self._at(player)),
        )
        yield Item(
            "realtime-login", wording.login(player, self._dice.new_id(), self._at(player, 1))
        )
        yield self._deposit(player)
        self._present.append(player)

    def _leave(self) -> Iterator[Item | Clash]:
        if len(self._present) <= self._first_guests:
            return
        place = self._dice.below(len(self._present))
        player, self._present[place] = self._present[place], self._present[-1]
        self._present.pop()
        self._gone.append(player)
        if player.balance:
            units, player.balance = player.balance, 0
            yield self._payment(player, "debit", units)

    def _return(self) -> Iterator[Item | Clash]:
        if self._gone:
            player = self._gone.pop(self._dice.below(len(self._gone)))
            yield Item(
                "realtime-login", wording.login(player, self._dice.new_id(), self._at(player))
            )
            yield self._deposit(player)
            self._present.append(player)

    def _log_in(self) -> Iterator[Item | Clash]:
        player = self._guest()
        yield Item("realtime-login", wording.login(player, self._dice.new_id(), self._at(player)))

    def _pay_in(self) -> Iterator[Item | Clash]:
        yield self._deposit(self._guest())

    def _deposit(self, player: Player) -> Item | Clash:
        units = self._units(player.currency, self._dice.one_of((1_000, 2_000, 5_000, 10_000)))
        player.balance += units
        return self._payment(player, "credit", units)

    def _payment(self, player: Player, type_: str, units: int) -> Item | Clash:
        """Tell a payment; a few are told again with another status under the same id."""
        payment_id, at = self._dice.new_id(), self._at(player)
        vendor = self._dice.one_of(catalogue.VENDORS)

        def told(status: str) -> Item:
            text = wording.payment(player, payment_id, at, units, (type_, status, vendor))
            return Item("realtime-payment", text, contested=clashes)

        clashes = self._dice.chance() < 0.004
        if not clashes:
            return told("approved")
        statuses = ("approved", "rollback") if type_ == "credit" else ("requested", "approved")
        return Clash(*map(told, statuses))

    def _play(self) -> Iterator[Item | Clash]:
        """Play one round of a casino game, and sometimes tell it as a whole as well."""
        player, luck = self._guest(), self._dice.chance()
        cents = self._dice.one_of(catalogue.STAKES_IN_CENTS)
        stake = self._units(player.currency, cents)
        if stake > player.balance:
            yield self._deposit(player)
            stake = min(stake, player.balance)
        tenths = self._dice.one_of(catalogue.WINS_IN_TENTHS)
        played = Round(
            round_id=self._dice.new_id(),
            game_id=self._dice.one_of(catalogue.GAMES),
            stake=stake,
            bonus=stake // 2 if luck > 0.97 else 0,
            win=stake * tenths // 10 if luck < 0.25 else 0,
        )
        yield self._move(player, played, "bet", stake)
        if luck > 0.995:
            yield self._move(player, played, "rollbackbet", stake)
            return
        if played.win:
            yield self._move(player, played, "win", played.win)
        elif luck > 0.7:
            yield self._move(player, played, "loss", stake)
        if 0.002 < luck < 0.5:
            text = wording.gameround(player, self._at(player, 2), played)
            yield Item("realtime-gameround", text)
        elif luck <= 0.002 and played.win:
            yield self._move(player, played, "rollbackwin", played.win)

    def _move(self, player: Player, played: Round, type_: str, units: int) -> Item:
        player.balance += {"bet": -units, "rollbackwin": -units, "loss": 0}.get(type_, units)
        text = wording.casino(player, self._dice.new_id(), self._at(player), played, (type_, units))
        return Item("realtime-casino", text)

    def _bet_on_sports(self) -> Iterator[Item | Clash]:
        player = self._guest()
        stake = min(self._units(player.currency, 100 + 100 * self._dice.below(20)), player.balance)
        if not stake:
            return
        count = self._dice.one_of((1, 1, 1, 1, 2, 2, 3, 3, 4, 5))
        first = self._dice.below(len(self._legs))
        legs = tuple(self._legs[(first + 17 * n) % len(self._legs)] for n in range(count))
        odds = 100
        for leg in legs:
            odds = odds * leg.odds // 100
        bet_type = "Single" if count == 1 else "System" if count > 3 and stake % 2 else "Multi"
        ticket = Ticket(player, self._dice.new_id(), bet_type, odds, stake, legs)
        player.balance -= stake
        self._open.append(ticket)
        yield Item("realtime-sports-bet", wording.sports_bet(ticket, self._at(player)))

    def _settle(self) -> Iterator[Item | Clash]:
        """Settle the oldest open ticket: three in ten win, some are cashed out, the rest lose."""
        if not self._open:
            return
        ticket, luck = self._open.popleft(), self._dice.chance()
        payout = 0
        if luck < 0.9 * 100 / ticket.odds:
            payout = ticket.stake * ticket.odds // 100
        elif luck > 0.95:
            payout = ticket.stake * 4 // 5
        ticket.player.balance += payout
        cashed_out = "true" if luck > 0.95 else "false"
        at = self._at(ticket.player)
        text = wording.settlement(ticket, self._dice.new_id(), at, (payout, cashed_out))
        yield Item("realtime-sports-bet", text)
