"""`railhead bench`: measure door, stream and the whole way on a stack of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from bench.options import Options
from bench.run import MEASUREMENTS, run_all, write_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on *parser*."""
    add = parser.add_argument
    add("--quick", action="store_true", help="small and short: shows that it works, judges nothing")
    add(
        "--only",
        type=_names,
        default=tuple(MEASUREMENTS),
        metavar="NAME,...",
        help=f"some of {', '.join(MEASUREMENTS)} (default: all)",
    )
    add("--seconds", type=float, help="length of a timed load (default: 10; quick: 3)")
    add("--json", type=Path, metavar="FILE", help="write the figures there too")
    add("--verbose", action="store_true", help="show what the stack does")


def run(args: argparse.Namespace) -> int:
    """Measure; 1 if something could not be measured."""
    options = Options(
        quick=args.quick,
        seconds=args.seconds or (3.0 if args.quick else 10.0),
        say=_tell if args.verbose else _keep_quiet,
    )
    results = run_all(args.only, options, Console())
    if args.json:
        write_json(results, args.json, quick=args.quick)
    return 1 if any(result.failed for result in results) else 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _keep_quiet(line: str) -> None:
    del line


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown or not names:
        msg = f"{', '.join(unknown) or 'nothing'}; measurements are {', '.join(MEASUREMENTS)}"
        raise argparse.ArgumentTypeError(msg)
    return names
