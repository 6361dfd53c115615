"""Parses words as the command line of `railhead` does, and runs nothing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from railhead.cli.main import COMMANDS, load


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return what *words* (without `railhead` itself) mean; fail if they mean nothing."""
    name, *rest = words
    assert name in COMMANDS, f"railhead has no command {name}"
    parser = argparse.ArgumentParser(prog=f"railhead {name}", exit_on_error=False)
    load(name).add_arguments(parser)
    try:
        return parser.parse_args(rest)
    except (SystemExit, argparse.ArgumentError) as error:
        raise AssertionError(f"railhead {' '.join(words)}: {error}") from None
