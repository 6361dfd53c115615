"""Validates items by the published page, without any code of ours.

The page was transcribed by hand into `published_schema.json`; jsonschema judges by it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from jsonschema import Draft202012Validator, FormatChecker
from rfc3339_validator import validate_rfc3339

# The page marks the ids of all types but sports bets, whose own identity is `activity_id`.
ID_FIELDS = {
    "realtime-casino": "unique_id",
    "realtime-payment": "payment_id",
    "realtime-registration": "unique_id",
    "realtime-gameround": "unique_id",
    "realtime-sports-bet": "activity_id",
    "realtime-login": "unique_id",
}
PUBLISHED = json.loads((Path(__file__).parent / "published_schema.json").read_text())


def published_data(event: str) -> dict[str, Any]:
    """The page's schema of one type's `data`."""
    for item in PUBLISHED["items"]["anyOf"]:
        if item["properties"]["event"]["enum"] == [event]:
            data: dict[str, Any] = item["properties"]["data"]
            return data
    raise KeyError(event)


def is_published(raw: bytes) -> bool:
    """Whether the item is JSON and validates against the page."""
    try:
        item = json.loads(raw.decode("utf-8"), parse_constant=_refuse, parse_int=float)
    except (ValueError, RecursionError):
        return False
    return bool(_validator().is_valid(item))


def has_empty_id(raw: bytes) -> bool:
    """Whether a published item's id is the empty string, which tells no two events apart."""
    item = json.loads(raw)
    return bool(item["data"][ID_FIELDS[item["event"]]] == "")


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(PUBLISHED["items"], format_checker=_FORMATS)


_FORMATS = FormatChecker(formats=())


def _is_date_time(value: object) -> bool:
    """RFC 3339, whose years begin with 0000; the validator's begin with 0001."""
    if not isinstance(value, str):
        return True
    text = value.upper()
    return bool(validate_rfc3339("2000" + text[4:] if text.startswith("0000") else text))


_FORMATS.checks("date-time")(_is_date_time)


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)
