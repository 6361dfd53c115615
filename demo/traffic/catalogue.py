"""The catalogue: games, sports, tournaments, markets and players' names."""

from __future__ import annotations

from typing import Final, NamedTuple

from demo.traffic.item_texts import LegText, Match, leg


class Game(NamedTuple):
    """A game: what it pays back in the long run, in thousandths, and what its supplier sends.

    A supplier sends all of its rounds as game rounds too, or none; and either each lost round as a
    `loss`, or none.
    """

    name: str
    pays_back: int
    sends_rounds: bool
    sends_losses: bool


GAMES: Final = (
    Game("starburst-nights", 961, sends_rounds=True, sends_losses=False),
    Game("book-of-rails", 962, sends_rounds=True, sends_losses=True),
    Game("golden-signal", 955, sends_rounds=True, sends_losses=False),
    Game("night-train", 949, sends_rounds=False, sends_losses=True),
    Game("lightning-roulette", 971, sends_rounds=False, sends_losses=False),
    Game("blackjack-7", 979, sends_rounds=False, sends_losses=False),
    Game("mega-junction", 928, sends_rounds=True, sends_losses=False),
    Game("fruit-express", 945, sends_rounds=False, sends_losses=True),
    Game("baccarat-lux", 976, sends_rounds=False, sends_losses=False),
    Game("crash-line", 970, sends_rounds=True, sends_losses=True),
)

# Cents of a unit of the player's currency; hundredths of ten kronor, and so on.
STAKES = (10, 20, 20, 50, 50, 100, 100, 200, 500, 1_000)
DEPOSITS = (1_000, 2_000, 2_000, 5_000, 10_000)

# What a won round pays, in tenths of the stake, as far as the game has it.
WINS_IN_TENTHS = (5, 10, 15, 20, 20, 30, 50, 150, 500)

VENDORS = ("Credit Card", "Trustly", "Skrill", "Bank Transfer", "Apple Pay", "Crypto Wallet")

COUNTRIES = (
    ("MT", "Z"), ("DE", "+01:00"), ("GB", "Z"), ("SE", "+01:00"), ("FI", "+02:00"),
    ("JP", "+09:00"), ("BR", "-03:00"), ("CA", "-05:00"), ("IE", "Z"), ("NZ", "+13:00"),
)  # fmt: skip

NAMES = (
    "astrid", "björn", "carlos", "dóra", "emil", "fatima", "giulia", "hiroshi", "ines", "jürgen",
    "kaito", "léa", "mateo", "noor", "olga", "pätkä", "quentin", "rosa", "søren", "tuuli",
)  # fmt: skip

TOURNAMENTS = (
    ("Football", "Premier League", ("Northbridge", "Eastport", "Rivermouth", "Kingsford")),
    ("Football", "Serie A", ("Collina", "Portovento", "Valdora", "Montesole")),
    ("Football", "Champions League", ("Northbridge", "Valdora", "Sankt Elm", "Puerto Alto")),
    ("Tennis", "Melbourne Open", ("A. Lindqvist", "P. Okafor", "M. Duarte", "T. Novak")),
    ("Ice Hockey", "Elitserien", ("Fjällholm", "Isvik", "Norrsund", "Älvstad")),
    ("Basketball", "Continental League", ("Harbor City", "Redstone", "Lakeside", "Summit")),
    ("Esports", "Winter Major", ("Team Piston", "Null Set", "Semaphore", "Night Shift")),
)

MARKETS = (
    ("Match Winner", ("1", "2")),
    ("Total Goals/Points", ("Over", "Under")),
    ("Handicap", ("-1.5", "+1.5")),
    ("First to Score", ("Home", "Away")),
)


def legs(starts_at: str) -> tuple[LegText, ...]:
    """Return every leg that can be bet on; all matches start at the same time."""
    return tuple(
        leg(match, market, outcome, 120 + 17 * (serial % 19))
        for serial, (match, market, outcome) in enumerate(
            (Match(sport, tournament, f"{home} vs {away}", starts_at), market, outcome)
            for sport, tournament, teams in TOURNAMENTS
            for home, away in zip(teams[::2], teams[1::2], strict=True)
            for market, outcomes in MARKETS
            for outcome in outcomes
        )
    )
