"""The casino games: rounds with a stake, perhaps a win, and now and then a rollback."""

from __future__ import annotations

from collections.abc import Iterator

from demo.traffic import catalogue, item_texts
from demo.traffic.dice import DemoClock, Dice
from demo.traffic.item_texts import Player, Round
from demo.traffic.items import EveningItem, SentItem
from demo.traffic.players import Players


class CasinoEvening:
    """The games of one evening."""

    def __init__(self, dice: Dice, clock: DemoClock, players: Players) -> None:
        self._dice = dice
        self._clock = clock
        self._players = players

    def play(self) -> Iterator[EveningItem]:
        """Play one round of a casino game, sometimes with a gameround event as well."""
        player, luck = self._players.one(), self._dice.chance()
        cents = self._dice.one_of(catalogue.STAKES_IN_CENTS)
        stake = self._players.units(player.currency, cents)
        if stake > player.balance:
            yield self._players.deposit(player)
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
            text = item_texts.gameround(player, self._clock.at(player.offset, 2), played)
            yield SentItem("realtime-gameround", text)
        elif luck <= 0.002 and played.win:
            yield self._move(player, played, "rollbackwin", played.win)

    def _move(self, player: Player, played: Round, type_: str, units: int) -> SentItem:
        player.balance += {"bet": -units, "rollbackwin": -units, "loss": 0}.get(type_, units)
        text = item_texts.casino(
            player, self._dice.new_id(), self._clock.at(player.offset), played, (type_, units)
        )
        return SentItem("realtime-casino", text)
