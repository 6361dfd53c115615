"""The catalogue: games, sports, tournaments, markets and players' names."""

from __future__ import annotations

from demo.traffic.item_texts import LegText, Match, leg

GAMES = (
    "starburst-nights", "book-of-rails", "golden-signal", "night-train", "lightning-roulette",
    "blackjack-7", "mega-junction", "fruit-express", "baccarat-lux", "crash-line",
)  # fmt: skip

STAKES_IN_CENTS = (10, 20, 20, 50, 50, 100, 100, 200, 500, 1_000)

# What a won round pays, in tenths of the stake. A quarter of rounds win: 94% returns to players.
WINS_IN_TENTHS = (5, 10, 15, 20, 20, 30, 50, 150)

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
