"""How is free JSON content written so that the same content is the same bytes?

Without white space, names sorted, each character written one way, and each number in one of two
ways: an integer of up to 40 digits by its digits, any other as an object of one text, so that no
number is the same as a string of its letters. 1, 1.0 and 10e-1 are one number; no digit is lost.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from events.amounts import canonical_number

INTEGER_DIGITS: Final = 40
# msgspec reads integers without asking; what longer ones cost grows with the square of the length.
_LONG_NUMBER: Final = re.compile(rb"[0-9]{%d}" % (INTEGER_DIGITS + 1))


def canonical(raw: bytes) -> bytes:
    """Write the JSON text *raw* anew. It must be one that the check accepted as content."""
    if len(raw) > INTEGER_DIGITS and _LONG_NUMBER.search(raw):
        return _encode(_SLOW_DECODER.decode(raw.decode()))
    return _encode(_fast_decode(raw))


def _number(text: str) -> int | dict[str, str]:
    whole = canonical_number(text)
    significant, _, exponent = whole.partition("e")
    if exponent.startswith("-"):
        return {"number": whole}
    zeros = int(exponent or "0")
    if len(significant.lstrip("-")) + zeros > INTEGER_DIGITS:
        return {"number": whole}
    return int(significant + "0" * zeros)


_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_fast_decode: Final = msgspec.json.Decoder(Any, float_hook=_number).decode
_SLOW_DECODER: Final = json.JSONDecoder(parse_int=_number, parse_float=_number)
