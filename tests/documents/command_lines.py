"""Parses words as the command line of `railhead` does, and runs nothing."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

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


def actions() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield the name of every command, or of each of its actions, with its parser."""
    for name in COMMANDS:
        parser = argparse.ArgumentParser()
        load(name).add_arguments(parser)
        groups = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
        for group in groups:
            yield from ((f"{name} {action}", one) for action, one in group.choices.items())
        if not groups:
            yield name, parser
