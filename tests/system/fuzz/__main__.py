"""`python -m tests.system.fuzz`: sends an ingest API what no client should; it must survive."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from rich.console import Console

from tests.system.fuzz.program import Plan, fuzz, print_result


def _plan() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m tests.system.fuzz", description=__doc__)
    add = parser.add_argument
    add("--requests", type=int, default=100_000, help="how many at least (default: %(default)s)")
    add("--seed", type=int, default=1, help="other seeds, other requests (default: %(default)s)")
    add("--seconds", type=float, default=1_800, help="stop then, too (default: %(default)s)")
    add("--schemathesis", default=_installed(), help="its command; '' leaves it out")
    add("--case", type=int, help="send only this case of the seed, and show it")
    args = parser.parse_args()
    return Plan(args.requests, args.seed, args.seconds, args.schemathesis, args.case)


def _installed() -> str:
    beside = Path(sys.executable).with_name("schemathesis")
    return str(beside) if beside.exists() else shutil.which("schemathesis") or ""


console = Console(width=160, highlight=False)
plan = _plan()
result = fuzz(plan, lambda line: console.print(line, style="dim", markup=False))
print_result(console, plan, result)
sys.exit(1 if result.complaints else 0)
