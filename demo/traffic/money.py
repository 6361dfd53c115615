"""Exact amounts: currencies as whole numbers of their smallest unit.

Nothing here is a float: an amount is an integer of smallest units until it becomes text, so the
digits a client writes are the digits an analyst must find.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency: its code, decimal places, and share of players.

    In smallest units: what one euro is worth, and what stands for a cent of it in stakes and
    deposits, which are round: 10 EUR, 10 GBP, 100 SEK.
    """

    code: str
    places: int
    units_per_euro: int
    units_per_cent: int
    share: float

    def text(self, units: int) -> str:
        """Write *units* as a JSON number with all of the currency's places."""
        if not self.places:
            return str(units)
        whole, rest = divmod(units, 10**self.places)
        return f"{whole}.{rest:0{self.places}d}"

    def euros(self, units: int) -> str:
        """Write what *units* are worth in euros, to the cent (cut, never rounded up)."""
        cents = units * 100 // self.units_per_euro
        return f"{cents // 100}.{cents % 100:02d}"

    def amount(self, units: int) -> Decimal:
        """Return *units* as the exact decimal that `text` writes."""
        return Decimal(self.text(units))


# Rates are invented and fixed: the same seed must always give the same bytes.
CURRENCIES = (
    Currency("EUR", 2, 100, 1, 0.46),
    Currency("GBP", 2, 85, 1, 0.14),
    Currency("USD", 2, 110, 1, 0.12),
    Currency("SEK", 2, 1_100, 10, 0.12),
    Currency("JPY", 0, 170, 1, 0.06),
    Currency("BTC", 8, 1_000, 10, 0.05),
    Currency("ETH", 18, 300_000_000_000_000, 3_000_000_000_000, 0.05),
)
