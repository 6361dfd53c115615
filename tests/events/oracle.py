"""What does the published page say of an item? Answered without any code of ours.

The page was transcribed by hand into `published_schema.json`; jsonschema judges by it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from jsonschema import Draft202012Validator

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
    return _validator().is_valid(item)


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(
        PUBLISHED["items"], format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)
