"""The JSON text of an item of each event type.

Plain f-strings: a JSON library would need objects first, and the generator must be faster than the
ingest API. Every value is made by this package and needs no escaping.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from demo.traffic.money import Currency


@dataclass(slots=True)
class Player:
    """A player of the evening; `balance` counts the currency's smallest units."""

    user_id: str
    username: str
    country: str
    gender: str
    consent: str
    offset: str
    currency: Currency
    balance: int = 0


class Round(NamedTuple):
    """One round of a casino game: ids, stake, the part paid from bonus money, and the win."""

    round_id: str
    game_id: str
    stake: int
    bonus: int
    win: int


class Match(NamedTuple):
    """A match to bet on: sport, tournament, name and start."""

    sport: str
    tournament: str
    name: str
    starts_at: str


class LegText(NamedTuple):
    """One leg of a sports bet: its odds in hundredths and its JSON text."""

    odds: int
    text: str


class BettingSlip(NamedTuple):
    """A sports bet until it is settled; odds in hundredths."""

    player: Player
    activity_id: str
    bet_type: str
    odds: int
    stake: int
    legs: tuple[LegText, ...]


def registration(player: Player, unique_id: str, at: str) -> str:
    """Write the registration of *player*."""
    return (
        f'{{"event":"realtime-registration","data":{{"user_id":"{player.user_id}","timestamp":"{at}",'
        f'"unique_id":"{unique_id}","username":"{player.username}","registration_date":"{at}",'
        f'"country":"{player.country}","currency":"{player.currency.code}",'
        f'"gender":{player.gender},"consent_email":{player.consent},'
        f'"segmentation_isPromoBanned":false,"origin":"lobby.example"}}}}'
    )


def login(player: Player, unique_id: str, at: str) -> str:
    """Write a login of *player*."""
    return (
        f'{{"event":"realtime-login","data":{{"user_id":"{player.user_id}","timestamp":"{at}",'
        f'"entry_timestamp":"{at}","process_timestamp":null,"unique_id":"{unique_id}",'
        f'"user_agent":"Mozilla/5.0 (X11; Linux x86_64)","origin":"lobby.example"}}}}'
    )


def payment(
    player: Player, payment_id: str, at: str, units: int, kind: tuple[str, str, str]
) -> str:
    """Write a payment; *kind* is its type, status and vendor."""
    type_, status, vendor = kind
    return (
        f'{{"event":"realtime-payment","data":{{"user_id":"{player.user_id}","timestamp":"{at}",'
        f'"entry_timestamp":"{at}","payment_id":"{payment_id}","type":"{type_}",'
        f'"status":"{status}","amount":{player.currency.text(units)},'
        f'"currency":"{player.currency.code}","base_amount":{player.currency.euros(units)},'
        f'"vendor_name":"{vendor}"}}}}'
    )


def casino(player: Player, unique_id: str, at: str, played: Round, move: tuple[str, int]) -> str:
    """Write one movement of a round; *move* is its type and amount."""
    type_, units = move
    bonus = played.bonus if type_ == "bet" else 0
    return (
        f'{{"event":"realtime-casino","data":{{"user_id":"{player.user_id}","timestamp":"{at}",'
        f'"unique_id":"{unique_id}","game_id":"{played.game_id}","round_id":"{played.round_id}",'
        f'"type":"{type_}","amount":{player.currency.text(units)},'
        f'"currency":"{player.currency.code}",'
        f'"bonus_wager_amount":{player.currency.text(bonus) if bonus else "0"}}}}}'
    )


def gameround(player: Player, at: str, played: Round) -> str:
    """Write the whole round as one event: its sums equal those of its casino events."""
    money = player.currency
    return (
        f'{{"event":"realtime-gameround","data":{{"user_id":"{player.user_id}","timestamp":"{at}",'
        f'"unique_id":"{played.round_id}","game_id":"{played.game_id}",'
        f'"user_currency":"{money.code}","meta_reporting_currency":"EUR",'
        f'"bonus_bet_user":{money.text(played.bonus)},"total_bet_user":{money.text(played.stake)},'
        f'"total_bet_base":{money.euros(played.stake)},"bonus_win_user":0,'
        f'"total_win_user":{money.text(played.win)},'
        f'"total_win_base":{money.euros(played.win)}}}}}'
    )


def leg(match: Match, market: str, outcome: str, odds: int) -> LegText:
    """Write one leg of a sports bet."""
    is_live = "true" if odds % 3 == 0 else "false"
    return LegText(
        odds,
        f'{{"is_live":{is_live},"tournament_name":"{match.tournament}",'
        f'"sports_name":"{match.sport}","odds":{odds_text(odds)},"event_name":"{match.name}",'
        f'"market":"{market}","match_start":"{match.starts_at}",'
        f'"outcomes":[{{"criterion_name":"{market}","outcome_label":"{outcome}"}}]}}',
    )


def odds_text(hundredths: int) -> str:
    """Write odds given in hundredths."""
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def sports_bet(slip: BettingSlip, at: str) -> str:
    """Write the placing of *slip*."""
    single = f'"odds":{odds_text(slip.odds)},' if len(slip.legs) == 1 else ""
    return (
        f'{{"event":"realtime-sports-bet","data":{{"user_id":"{slip.player.user_id}",'
        f'"timestamp":"{at}","activity_id":"{slip.activity_id}","activity_id_reference":"",'
        f'"amount":{slip.player.currency.text(slip.stake)},"bet_type":"{slip.bet_type}",'
        f'{single}"total_odds":{odds_text(slip.odds)},'
        f'"bets":[{",".join([leg.text for leg in slip.legs])}],"bonus_wager_amount":0,'
        f'"currency":"{slip.player.currency.code}","status":"Approved","type":"Bet"}}}}'
    )


def settlement(slip: BettingSlip, activity_id: str, at: str, payout: tuple[int, str]) -> str:
    """Write the settlement of *slip*; *payout* is the amount and whether it is a cash-out."""
    units, is_cashout = payout
    return (
        f'{{"event":"realtime-sports-bet","data":{{"user_id":"{slip.player.user_id}",'
        f'"timestamp":"{at}","activity_id":"{activity_id}",'
        f'"activity_id_reference":"{slip.activity_id}",'
        f'"amount":{slip.player.currency.text(units)},"bet_type":"{slip.bet_type}",'
        f'"total_odds":{odds_text(slip.odds)},"bets":null,"bonus_wager_amount":0,'
        f'"currency":"{slip.player.currency.code}","is_cashout":{is_cashout},'
        f'"status":"Approved","type":"Settlement"}}}}'
    )
