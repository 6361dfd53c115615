"""Runs a test with and without a mutant: it must fail with it and pass without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.system.mutants.table import Mutant

ROOT = Path(__file__).parents[3]
VARIABLE = "RAILHEAD_MUTANT"
# pytest's exit codes, and one for a mutant that does not fit the code any more.
PASSED, FAILED, MISFIT = 0, 1, -1
# Half of a mutant's time would be spent on importing plugins that its test does not need.
_PLUGINS = ("-p", "pytest_asyncio.plugin", "-p", "pytest_timeout")
_MISFITS = (b"AttributeError", b"ImportError", b"NameError", b"TypeError")


def exit_code(test: str, mutant: str | None) -> int:
    """Run *test* in a process of its own, broken by *mutant* if one is named.

    MISFIT if it fails because the mutant itself does: that would prove nothing.
    """
    environment = {
        **os.environ,
        "HYPOTHESIS_STORAGE_DIRECTORY": os.devnull,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    environment.pop(VARIABLE, None)
    if mutant:
        environment[VARIABLE] = mutant
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", *_PLUGINS, "-p", "no:cacheprovider", test],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=False,
        timeout=120,
    )
    errors = [line[1:].strip() for line in done.stdout.splitlines() if line.startswith(b"E ")]
    misfits = mutant and any(line.startswith(_MISFITS) for line in errors)
    return MISFIT if misfits else done.returncode


def caught(mutant: Mutant) -> bool:
    """Whether the mutant's test passes without it and fails with it."""
    return (
        exit_code(mutant.caught_by, None) == PASSED
        and exit_code(mutant.caught_by, mutant.name) == FAILED
    )
