"""The players of the evening, who arrive, log in, deposit, leave with their money and come back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from demo.traffic import catalogue, item_texts
from demo.traffic.dice import DemoClock, Dice
from demo.traffic.item_texts import Player
from demo.traffic.items import ConflictingPair, EveningItem, SentItem
from demo.traffic.money import CURRENCIES, Currency

FIRST_PLAYERS = 20
# In cents: a player who has less is about to deposit.
LITTLE = 1_000
# Share of payments.
CONTESTED = 0.008

_CURRENCY_CUTS = tuple(accumulate(currency.share for currency in CURRENCIES))


class Players:
    """All players of one evening of about *items* items."""

    def __init__(self, dice: Dice, clock: DemoClock, items: int) -> None:
        self._dice = dice
        self._clock = clock
        self._first = min(FIRST_PLAYERS, 1 + items // 100)
        self._present: list[Player] = []
        self._gone: list[Player] = []

    @property
    def are_few(self) -> bool:
        """Whether there are too few players to begin with."""
        return len(self._present) < self._first

    def one(self) -> Player:
        """Return one of the players present."""
        return self._dice.one_of(self._present)

    def units(self, currency: Currency, cents: int) -> int:
        """Return what stands for *cents* in *currency*; crypto amounts use all decimal places."""
        units = cents * currency.units_per_cent
        return units + self._dice.below(units) // 7 if currency.places > 2 else units

    def arrive(self) -> Iterator[EveningItem]:
        """A new player registers, logs in and deposits."""
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
        yield SentItem(
            "realtime-registration",
            item_texts.registration(player, self._dice.new_id(), self._clock.at(player.offset)),
        )
        yield SentItem(
            "realtime-login",
            item_texts.login(player, self._dice.new_id(), self._clock.at(player.offset, 1)),
        )
        yield self.deposit(player, later_seconds=2)
        self._present.append(player)

    def leave(self) -> Iterator[EveningItem]:
        """A player leaves and withdraws the balance."""
        if len(self._present) <= self._first:
            return
        index = self._dice.below(len(self._present))
        player, self._present[index] = self._present[index], self._present[-1]
        self._present.pop()
        self._gone.append(player)
        if player.balance:
            units, player.balance = player.balance, 0
            yield self._payment(player, "debit", units)

    def come_back(self) -> Iterator[EveningItem]:
        """A player who had left logs in and deposits again."""
        if self._gone:
            player = self._gone.pop(self._dice.below(len(self._gone)))
            yield SentItem(
                "realtime-login",
                item_texts.login(player, self._dice.new_id(), self._clock.at(player.offset)),
            )
            yield self.deposit(player, later_seconds=1)
            self._present.append(player)

    def log_in(self) -> Iterator[EveningItem]:
        """A player who is present logs in once more."""
        player = self.one()
        yield SentItem(
            "realtime-login",
            item_texts.login(player, self._dice.new_id(), self._clock.at(player.offset)),
        )

    def pay_in(self) -> Iterator[EveningItem]:
        """A player who has little left deposits."""
        player = self.one()
        if player.balance < LITTLE * player.currency.units_per_cent:
            yield self.deposit(player)

    def deposit(self, player: Player, *, later_seconds: int = 0) -> EveningItem:
        """*player* deposits; the balance has it at once."""
        units = self.units(player.currency, self._dice.one_of(catalogue.DEPOSITS))
        player.balance += units
        return self._payment(player, "credit", units, later_seconds=later_seconds)

    def _payment(
        self, player: Player, type_: str, units: int, *, later_seconds: int = 0
    ) -> EveningItem:
        """Make a payment; a few are sent again with another status under the same id."""
        payment_id, at = self._dice.new_id(), self._clock.at(player.offset, later_seconds)
        vendor = self._dice.one_of(catalogue.VENDORS)

        def payment_with(status: str) -> SentItem:
            text = item_texts.payment(player, payment_id, at, units, (type_, status, vendor))
            return SentItem("realtime-payment", text, contested=conflicts)

        conflicts = self._dice.chance() < CONTESTED
        if not conflicts:
            return payment_with("approved")
        statuses = ("approved", "rollback") if type_ == "credit" else ("requested", "approved")
        return ConflictingPair(*map(payment_with, statuses))

    def _currency(self) -> Currency:
        pick = self._dice.chance()
        pairs = zip(_CURRENCY_CUTS, CURRENCIES, strict=True)
        return next((currency for cut, currency in pairs if pick < cut), CURRENCIES[0])
