"""Types of argparse for the values that options take, shared by the commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

from railhead.audit.moments import parse_moment

HIGHEST_PORT: Final = 65_535

Value = TypeVar("Value")


def option_type(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """*parse* as the type of an option: the text of its ValueError is what the user reads."""

    def parsed(text: str) -> Value:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


def _positive(text: str) -> int:
    number = _whole(text)
    if number < 1:
        raise ValueError("must be at least 1")
    return number


def _port(text: str) -> int:
    number = _whole(text)
    if not 0 <= number <= HIGHEST_PORT:
        raise ValueError(f"a port is a number from 0 to {HIGHEST_PORT}")
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None


positive: Final = option_type(_positive)
"""A whole number of at least 1."""
port: Final = option_type(_port)
"""A TCP port; 0 stands for any free one."""
moment: Final = option_type(lambda text: parse_moment(text, datetime.now(UTC)))
"""A time ago, a day, or an instant, as `parse_moment` reads it."""
