"""`python -m tests.system.mutants`: applies each mutant of the table and sees that it is caught."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from tests.system.mutants.run import caught
from tests.system.mutants.table import MUTANTS

table = Table("mutant", "what is broken", "caught by", "result")
survivors = 0
for mutant in MUTANTS:
    found = caught(mutant)
    survivors += not found
    test = mutant.caught_by.rsplit("::", 1)[1]
    table.add_row(mutant.name, mutant.what, test, "caught" if found else "SURVIVED")
Console(width=160).print(table)
sys.exit(1 if survivors else 0)
