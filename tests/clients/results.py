"""What the programs reported, and how it is kept between a run and the document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

DATA: Final = Path(__file__).parents[2] / "docs" / "clients.json"
USERS: Final = ("default", "analyst")


@dataclass(frozen=True)
class Check:
    """One check of a program; *detail* says what went wrong."""

    name: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True)
class Cell:
    """A client as one user: its checks, or why it did not run."""

    client: str
    user: str
    checks: Sequence[Check] = ()
    skipped: str = ""


@dataclass
class Results:
    """All that a run found."""

    engine: str
    cells: list[Cell] = field(default_factory=list)

    def with_cells(self, cells: Sequence[Cell]) -> Results:
        """These results, with *cells* in place of those of the same client and user."""
        kept = {(one.client, one.user): one for one in self.cells}
        kept |= {(one.client, one.user): one for one in cells}
        return Results(self.engine, list(kept.values()))


def lines_of(output: str) -> list[Check]:
    """The checks that a program printed, one line of JSON each; other lines are passed over."""
    found = []
    for line in output.splitlines():
        if line.startswith("{"):
            read = json.loads(line)
            found.append(Check(read["name"], read["ok"], read["detail"]))
    return found


def load(path: Path = DATA) -> Results:
    """Read the results that were kept."""
    read: dict[str, Any] = json.loads(path.read_text())
    cells = [
        Cell(**{**one, "checks": [Check(**check) for check in one["checks"]]})
        for one in read["cells"]
    ]
    return Results(read["engine"], cells)


def keep(results: Results, path: Path = DATA) -> None:
    """Write *results* as JSON."""
    path.write_text(json.dumps(asdict(results), indent=1) + "\n")
