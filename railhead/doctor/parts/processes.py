"""Checks the processes of a `railhead up`: stopped ones, silent ones, another version."""

from __future__ import annotations

import asyncio
import importlib.metadata
from collections.abc import Iterator
from functools import partial

from aiohttp import ClientError

from railhead.doctor.checks import Check
from railhead.doctor.finding import DoctorFinding, fail, ok, warn
from railhead.doctor.parts.ingest_api import not_ready, reason
from railhead.doctor.target import Target
from railhead.stack.directory import DataDirectory
from railhead.stack.supervision.kernel import STOPPED, state_of

AGAIN = "`railhead up` ends it and starts it again after half a minute"


def process_checks(target: Target) -> Iterator[Check]:
    """A check of all processes together, and one of each that has health pages of its own."""
    if target.record.has_ended:
        return
    directory = f"the processes of {target.data_dir}"
    advice = f"Their logs are in {target.data_dir / 'logs'}."
    yield Check("processes", directory, advice, lambda: processes(target))
    for name, page in target.record.metrics.items():
        url = page.removesuffix("/metrics")
        if url != target.api_url:
            yield Check(name, f"{name} at {url}", f"{AGAIN}.", partial(_health, name, url))


def processes(target: Target) -> Iterator[DoctorFinding]:
    """Look for processes that are stopped, as SIGSTOP does it, and at the version that runs."""
    home = DataDirectory(target.data_dir)
    pids = {file.stem: home.pid(file.stem) for file in sorted(home.run.glob("*.pid"))}
    stopped = [
        f"{name} (pid {pid})" for name, pid in pids.items() if pid and state_of(pid) == STOPPED
    ]
    if stopped:
        says = f"stopped by a signal: {', '.join(stopped)}"
        yield fail("processes", says, f"{AGAIN}; `kill -CONT PID` lets it go on.")
    elif pids:
        yield ok("processes", f"{', '.join(pids)} run, none is stopped")
    mine = importlib.metadata.version("railhead")
    if target.record.version not in {"", mine}:
        says = f"the stack that runs is Railhead {target.record.version}, this command is {mine}"
        yield warn("processes", says, "Start `railhead up` again with the version that you want.")


def _health(name: str, url: str) -> Iterator[DoctorFinding]:
    """Ask the process *name* at *url* whether it could work now."""
    try:
        reasons = asyncio.run(not_ready(url))
    except (ClientError, TimeoutError, ValueError) as error:
        yield fail(name, f"{url} does not answer: {reason(error)}", f"{AGAIN}.")
        return
    if reasons is None:
        yield ok(name, f"{url} is ready")
    else:
        yield warn(name, f"{url} is not ready: {reasons}", "See its log.")
