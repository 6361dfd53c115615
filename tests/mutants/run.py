"""Does a test fail when the product is broken on purpose, and pass when it is not?"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.mutants.table import Mutant

ROOT = Path(__file__).parents[2]
VARIABLE = "RAILHEAD_MUTANT"
# pytest's exit codes.
PASSED, FAILED = 0, 1


def exit_code(test: str, mutant: str | None) -> int:
    """Run *test* in a process of its own, broken by *mutant* if one is named."""
    environment = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": os.devnull}
    environment.pop(VARIABLE, None)
    if mutant:
        environment[VARIABLE] = mutant
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=False,
        timeout=120,
    )
    return done.returncode


def caught(mutant: Mutant) -> bool:
    """Whether the mutant's test passes without it and fails with it."""
    return (
        exit_code(mutant.caught_by, None) == PASSED
        and exit_code(mutant.caught_by, mutant.name) == FAILED
    )
