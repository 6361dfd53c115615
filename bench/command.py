"""`railhead bench`: measures beside baselines, on a temporary stack; makes tables and plots."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.options import Options
from bench.plots import plot_all
from bench.report import write_report
from bench.results import BenchResult
from bench.run import MEASUREMENTS, SMOKE, run_all, write_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on *parser*."""
    add = parser.add_argument
    add("--quick", action="store_true", help="small and short: shows that it works, no bars")
    add(
        "--only",
        type=_names,
        metavar="NAME,...",
        help=f"some of {', '.join(MEASUREMENTS)} (default: all; quick: {', '.join(SMOKE)})",
    )
    add("--seconds", type=float, help="length of a timed load (default: 10; quick: 2)")
    add("--json", type=Path, metavar="FILE", help="also write the results to this file")
    add("--verbose", action="store_true", help="show what the stack does")
    add("--plot", type=Path, metavar="FILE", help="measure nothing; draw the curves of this JSON")
    add("--out", type=Path, metavar="DIR", default=Path(), help="where --plot puts its pictures")
    add(
        "--report",
        type=Path,
        metavar="FILE",
        help="measure nothing; make the tables of the documents beside this JSON from it",
    )


def run(args: argparse.Namespace) -> int:
    """Measure, or report on what was measured; 1 if something could not be measured."""
    if args.plot or args.report:
        return _report_on(args)
    if importlib.util.find_spec("psutil") is None:
        print("railhead bench: needs psutil, as `make setup` installs it", file=sys.stderr)
        return 1
    options = Options(
        quick=args.quick,
        seconds=args.seconds or (2.0 if args.quick else 10.0),
        say=_report if args.verbose else lambda _: None,
    )
    names = args.only or (SMOKE if args.quick else tuple(MEASUREMENTS))

    def keep(results: Sequence[BenchResult], machine: dict[str, Any]) -> None:
        if args.json:
            write_json(results, args.json, machine=machine, quick=args.quick)

    results = run_all(names, options, Console(), keep=keep)
    return 1 if any(result.failed for result in results) else 0


def _report_on(args: argparse.Namespace) -> int:
    written = plot_all(args.plot, args.out) if args.plot else []
    written += write_report(args.report) if args.report else []
    for path in written:
        print(path)
    return 0


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown or not names:
        msg = f"{', '.join(unknown) or 'nothing'}; measurements are {', '.join(MEASUREMENTS)}"
        raise argparse.ArgumentTypeError(msg)
    return names
