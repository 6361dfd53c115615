"""Runs the programs of the clients against one server, each within a bound of time."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from tests.clients.matrix import Client
from tests.clients.results import USERS, Cell, Check, lines_of

PROGRAM_SECONDS: Final = 240.0
_LAST_CHARACTERS: Final = 400


def cells(clients: Iterable[Client], port: int, report: Callable[[str], None]) -> Iterator[Cell]:
    """Make each client's environment and run its program as each user."""
    for client in clients:
        report(f"{client.name}: making its environment")
        try:
            command = client.command()
        except (subprocess.SubprocessError, OSError) as error:
            command, reason = None, f"its environment could not be made: {error}"
        else:
            reason = f"this machine has no {client.tool}"
        for user in USERS:
            if command is None:
                cell = Cell(client.name, user, skipped=reason)
            else:
                cell = Cell(client.name, user, run([*command, str(port), user]))
            report(f"{client.name} as {user}: {summary(cell)}")
            yield cell


def run(command: list[str]) -> list[Check]:
    """The checks of one program; one that ends badly has failed a check named so."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PROGRAM_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        printed = error.stdout or b""
        checks = lines_of(printed.decode() if isinstance(printed, bytes) else printed)
        return [*checks, Check("ends", ok=False, detail=f"not within {PROGRAM_SECONDS:.0f} s")]
    checks = lines_of(done.stdout)
    if done.returncode or not checks:
        said = done.stderr[-_LAST_CHARACTERS:]
        checks.append(Check("ends", ok=False, detail=f"exit code {done.returncode}: {said}"))
    return checks


def summary(cell: Cell) -> str:
    """The counts of a cell: `15 of 16`."""
    if cell.skipped:
        return f"skipped: {cell.skipped}"
    return f"{sum(one.ok for one in cell.checks)} of {len(cell.checks)}"
