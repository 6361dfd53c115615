"""`python -m tests.system.chaos`: harm the whole stack for a while and prove that nothing was lost.

Exit code 0: every promise was kept. 1: one was not, or the run could not be checked; the seed is
printed, and history, logs and data are kept.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

import uvloop

from tests.system.chaos.run import RunOptions, run
from tests.system.chaos.table import lines


def main() -> int:
    """Read the options, run, report."""
    args = _parser().parse_args()
    directory = args.keep or Path(tempfile.mkdtemp(prefix="railhead-chaos-"))
    options = RunOptions(
        seed=args.seed,
        directory=directory,
        seconds=args.seconds,
        events=args.events or int(args.seconds * args.rate),
        deaths=args.deaths,
        workers=args.workers,
        apis=args.apis,
        partitions=args.partitions,
        small_disks=args.full_disk,
        longest_outage_seconds=args.longest_outage,
    )
    # The clients' library logs every refused connection, and every producer that was fenced.
    for name in ("aiokafka", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    _say(
        f"seed {options.seed}: {options.events:,} events in {options.seconds:.0f} s, in {directory}"
    )
    is_clean = False
    try:
        outcome = uvloop.run(run(options, say=_say))
        is_clean = outcome.is_clean
        for line in lines(options, outcome):
            _say(line)
    except (AssertionError, TimeoutError, asyncio.CancelledError) as error:
        _say(f"could not be checked: {error!r}")
    if is_clean and args.keep is None:
        shutil.rmtree(directory)
    elif not is_clean:
        _say(f"seed {options.seed}: FAILED; the history, logs and data are kept in {directory}")
    return 0 if is_clean else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.system.chaos", description=__doc__)
    add = parser.add_argument
    add("--seconds", type=float, default=600.0, help="how long to harm (default: %(default)s)")
    add("--seed", type=int, default=secrets.randbelow(10**6), help="default: a random one")
    add("--deaths", type=int, default=0, help="go on until there were so many kill -9")
    add("--events", type=int, default=0, help="events to send in all (default: by --rate)")
    add("--rate", type=float, default=600.0, help="events a second (default: %(default)s)")
    add("--workers", type=int, default=2)
    add("--doors", dest="apis", type=int, default=2)
    add("--partitions", type=int, default=3)
    add("--longest-outage", type=float, default=15.0, help="seconds engine or broker may be down")
    add("--full-disk", action="store_true", help="small disks that get full (needs root)")
    add("--keep", type=Path, metavar="DIRECTORY", help="where to work; kept in any case")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
