"""The one rule by which the text of a JSON number becomes a decimal of 38 digits with 18 places.

Never through a binary float: 0.1 is one tenth. Digits after the 18th decimal place are rounded half
to even: no currency has so many, but the shortest texts of doubles do. More than 20 digits before
the point are refused. The work is linear in the text's length whatever the exponent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from events.contract.adjustments import Adjustment

PLACES: Final = 18
WHOLE_DIGITS: Final = 20
# An exponent of more digits than this is out of range for any text we accept; int() could be slow.
EXPONENT_DIGITS: Final = 9
NUMBER: Final = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?")
# The usual text: always fits.
_PLAIN: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,18})?")
_ZERO: Final = Decimal(0)


@dataclass(slots=True)
class JsonNumber:
    """A number as it stood in the JSON text, so that no digit is lost before the model sees it."""

    text: str


def read_amount(text: str) -> Decimal:
    """Read the text of a JSON number as it is stored.

    Raises:
        PydanticCustomError: `number_out_of_range`, or `wrong_type` if it is not a JSON number.
    """
    return adjusted_amount(text)[0]


def adjusted_amount(text: str) -> tuple[Decimal, Adjustment | None]:
    """Read as `read_amount` does; also tells whether digits were rounded away."""
    if _PLAIN.fullmatch(text):
        return Decimal(text) or _ZERO, None
    match = NUMBER.fullmatch(text)
    if match is None:
        raise _rejection("wrong_type", "is not a number")
    sign, significant, exponent = _normalized(match)
    if not significant:
        return _ZERO, None
    rounded = exponent < -PLACES
    # Before rounding as well: int() of a long text would be slow.
    if len(significant) + exponent <= WHOLE_DIGITS and rounded:
        significant, exponent = _rounded(significant, -PLACES - exponent), -PLACES
    if len(significant) + exponent > WHOLE_DIGITS:
        raise _rejection("number_out_of_range", "has more than 20 digits before the point")
    value = Decimal(f"{sign}{significant}e{exponent}") or _ZERO
    return value, Adjustment.AMOUNT_ROUNDED if rounded else None


def _rounded(digits: str, surplus: int) -> str:
    """Round *digits*, which do not end in 0, half to even to *surplus* digits less."""
    if surplus > len(digits):
        return "0"
    kept, first = int(digits[:-surplus] or "0"), digits[-surplus]
    if first == "5" and surplus == 1:
        return str(kept + kept % 2)
    return str(kept + (first >= "5"))


def canonical_number(text: str) -> str:
    """Write any JSON number so that equal numbers are equal texts, whatever their size."""
    match = NUMBER.fullmatch(text)
    if match is None:
        raise ValueError("not the text of a JSON number")
    sign, significant, exponent = _normalized(match)
    return f"{sign}{significant}e{exponent}" if significant else "0"


def _normalized(match: re.Match[str]) -> tuple[str, str, int]:
    """Sign, digits from the first to the last that is not 0, and the power of ten of the last."""
    sign, whole, places, exponent_sign, exponent_digits = match.groups(default="")
    digits = (whole + places).lstrip("0")
    significant = digits.rstrip("0")
    exponent = _exponent(exponent_sign, exponent_digits) - len(places)
    return sign, significant, exponent + len(digits) - len(significant)


def _exponent(sign: str, digits: str) -> int:
    size = digits.lstrip("0")
    value = 10**EXPONENT_DIGITS if len(size) > EXPONENT_DIGITS else int(size or "0")
    return -value if sign == "-" else value


def _rejection(reason: str, message: str) -> PydanticCustomError:
    return PydanticCustomError(reason, message)


def _validate(value: object) -> Decimal:
    if isinstance(value, JsonNumber):
        return read_amount(value.text)
    if isinstance(value, Decimal) and value.is_finite():
        return read_amount(f"{value:e}")
    if isinstance(value, int) and not isinstance(value, bool):
        return read_amount(str(value))
    raise _rejection("wrong_type", "is not a number")


AMOUNT_RULE: Final = PlainValidator(_validate)
"""Teaches pydantic the rule above; the JSON schema says "number", as the page does."""

Amount = Annotated[Decimal, AMOUNT_RULE, WithJsonSchema({"type": "number"})]
