"""Writes free JSON content canonically: equal content as equal bytes, other content as other bytes.

There is no white space, names are sorted, each character is written one way, and each number in
one of two ways: an integer of up to 40 digits by its digits, any other as an object with one text,
`{"number": "15e-1"}`. 1, 1.0 and 10e-1 are one number; no digit is lost. An object of the content
that looks like such a number gets a star after its name, and one with stars gets one more.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from events.values.amounts import canonical_number

INTEGER_DIGITS: Final = 40
# msgspec reads integers without a hook, in a time that grows with the square of the length.
_LONG_NUMBER: Final = re.compile(rb"[0-9]{%d}" % (INTEGER_DIGITS + 1))
# To search for a word this way is several times faster than with `in`.
_find_name: Final = re.compile(rb"number").search
_find_escaped_char: Final = re.compile(rb"\\u00[67]").search
_NUMBERS_NAME: Final = re.compile(r"number\**")
_NUMBERS_TEXT: Final = re.compile(r"-?[0-9]+e-?[0-9]+")


class _Number(msgspec.Struct, frozen=True, gc=False):
    """Encoded as an object with one text. The content's own objects are dicts."""

    number: str


def canonical(raw: bytes) -> bytes:
    """Write the JSON text *raw* canonically. It must be content that the check accepted."""
    if len(raw) > INTEGER_DIGITS and _LONG_NUMBER.search(raw):
        content = _EXACT_DECODER.decode(raw.decode())
    else:
        content = _plain_decode(raw)
    return _encode(_escaped(content) if _may_name_numbers(raw) else content)


def _may_name_numbers(raw: bytes) -> bool:
    """Whether a name may be `number`: as it is, or with an escaped character."""
    if _find_name(raw) is not None:
        return True
    return raw.find(b"\\") >= 0 and _find_escaped_char(raw) is not None


def _escaped(content: Any) -> Any:
    """Rename the only name of each object that would otherwise look like a number."""
    if isinstance(content, list):
        return [_escaped(one) for one in content]
    if not isinstance(content, dict):
        return content
    if len(content) == 1:
        [(name, value)] = content.items()
        if _NUMBERS_NAME.fullmatch(name) and _is_numbers_text(value):
            return {f"{name}*": value}
    return {name: _escaped(value) for name, value in content.items()}


def _is_numbers_text(value: Any) -> bool:
    return isinstance(value, str) and _NUMBERS_TEXT.fullmatch(value) is not None


def _number(text: str) -> int | _Number:
    whole = canonical_number(text)
    significant, _, exponent = whole.partition("e")
    if exponent.startswith("-"):
        return _Number(whole)
    zeros = int(exponent or "0")
    if len(significant.lstrip("-")) + zeros > INTEGER_DIGITS:
        return _Number(whole)
    return int(significant + "0" * zeros)


_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_plain_decode: Final = msgspec.json.Decoder(Any, float_hook=_number).decode
_EXACT_DECODER: Final = json.JSONDecoder(parse_int=_number, parse_float=_number)
