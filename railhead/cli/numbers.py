"""Types of argparse for the numbers that options take, shared by the commands."""

from __future__ import annotations

import argparse
from typing import Final

HIGHEST_PORT: Final = 65_535


def positive(text: str) -> int:
    """A whole number of at least 1."""
    number = _whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def port(text: str) -> int:
    """A TCP port; 0 stands for any free one."""
    number = _whole(text)
    if not 0 <= number <= HIGHEST_PORT:
        msg = f"a port is a number from 0 to {HIGHEST_PORT}"
        raise argparse.ArgumentTypeError(msg)
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        msg = f"{text!r} is not a whole number"
        raise argparse.ArgumentTypeError(msg) from None
