"""The ways in which a stored value may differ from the text that was sent: a closed list.

Documents and metrics are made from it. Anything else that cannot be stored as it was sent is a
reason to reject the item (`events.contract.reasons`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Adjustment(StrEnum):
    """How one value was adjusted; the text is the label of the metrics."""

    AMOUNT_ROUNDED = "amount_rounded"
    TIME_CUT = "time_cut"
    TIME_UNSET = "time_unset"


MEANINGS: Final[dict[Adjustment, tuple[str, str]]] = {
    Adjustment.AMOUNT_ROUNDED: (
        "digits after the 18th decimal place, in an amount or in odds",
        "rounded half to even at the 18th place",
    ),
    Adjustment.TIME_CUT: ("digits of a time beyond the nanosecond", "cut off"),
    Adjustment.TIME_UNSET: (
        "an optional time that is not from 1900-01-01 to 2262-04-10, such as 0001-01-01T00:00:00Z",
        'NULL: clients write "not set" this way',
    ),
}
