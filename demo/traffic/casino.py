"""The casino games: rounds with a stake, perhaps a win, and now and then both rolled back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from demo.traffic import catalogue, item_texts
from demo.traffic.catalogue import Game
from demo.traffic.dice import DemoClock, Dice
from demo.traffic.item_texts import Player, Round
from demo.traffic.items import EveningItem, SentItem
from demo.traffic.players import Players

# Shares of rounds. More are won than games can pay for, so that little is left to pay at any time.
WON: Final = 0.32
VOIDED: Final = 0.006
WITH_BONUS: Final = 0.03


class CasinoEvening:
    """The games of one evening.

    Each game keeps count of what is left to pay in each currency, and pays no win beyond that: so
    even a short evening has the return to player that the game is known for.
    """

    def __init__(self, dice: Dice, clock: DemoClock, players: Players) -> None:
        self._dice = dice
        self._clock = clock
        self._players = players
        self._to_pay: Counter[tuple[str, str]] = Counter()

    def play(self) -> Iterator[EveningItem]:
        """Play one round; a few are voided, which takes back the stake and the win."""
        player, game = self._players.one(), self._dice.one_of(catalogue.GAMES)
        stake = self._players.units(player.currency, self._dice.one_of(catalogue.STAKES))
        if stake > player.balance:
            yield self._players.deposit(player)
            stake = min(stake, player.balance)
        is_voided = self._dice.chance() < VOIDED
        played = Round(
            round_id=self._dice.new_id(),
            game_id=game.name,
            stake=stake,
            bonus=stake // 2 if self._dice.chance() < WITH_BONUS else 0,
            win=self._win(game, player.currency.code, stake, is_voided=is_voided),
        )
        yield self._move(player, played, "bet", stake)
        if played.win:
            yield self._move(player, played, "win", played.win)
        elif game.sends_losses:
            yield self._move(player, played, "loss", stake)
        if is_voided:
            if played.win:
                yield self._move(player, played, "rollbackwin", played.win)
            yield self._move(player, played, "rollbackbet", stake)
        elif game.sends_rounds:
            text = item_texts.gameround(player, self._clock.at(player.offset, 2), played)
            yield SentItem("realtime-gameround", text)

    def _win(self, game: Game, currency: str, stake: int, *, is_voided: bool) -> int:
        """Return what a round wins, which is nothing in most; a voided one changes no sum."""
        key, share = (game.name, currency), stake * game.pays_back
        most = (self._to_pay[key] + share) // (stake * 100)
        drawn = self._dice.one_of(catalogue.WINS_IN_TENTHS) if self._dice.chance() < WON else 0
        win = stake * min(drawn, most) // 10
        if not is_voided:
            self._to_pay[key] += share - 1000 * win
        return win

    def _move(self, player: Player, played: Round, type_: str, units: int) -> SentItem:
        player.balance += {"bet": -units, "rollbackwin": -units, "loss": 0}.get(type_, units)
        text = item_texts.casino(
            player, self._dice.new_id(), self._clock.at(player.offset), played, (type_, units)
        )
        return SentItem("realtime-casino", text)
