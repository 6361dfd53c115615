"""Runs a test with and without a mutant: it must fail with it and pass without it."""

from __future__ import annotations

import os
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import pytest

from tests.system.mutants.table import Mutant

ROOT = Path(__file__).parents[3]
VARIABLE = "RAILHEAD_MUTANT"
# pytest's exit codes, and one for a mutant that does not fit the code any more.
PASSED, FAILED, MISFIT = 0, 1, -1
# Half of a mutant's time would be spent on importing plugins that its test does not need.
_PLUGINS = ("-p", "pytest_asyncio.plugin", "-p", "pytest_timeout")
_MISFITS = (b"AttributeError", b"ImportError", b"NameError", b"TypeError")
_SECONDS: Final = 120
# Each test runs in a fork of one process that has imported the libraries, and nothing of the
# product: a mutant is applied before the product is imported.
_LIBRARIES: Final = (
    "aiokafka", "clickhouse_connect", "faust", "hypothesis", "numpy", "pyarrow.compute",
    "pydantic", "pytest", "pytest_asyncio.plugin", "pytest_timeout", "uvloop",
)  # fmt: skip
_forks = get_context("forkserver")
_forks.set_forkserver_preload(list(_LIBRARIES))


def exit_code(test: str, mutant: str | None) -> int:
    """Run *test* in a process of its own, broken by *mutant* if one is named.

    MISFIT if it fails because the mutant itself does: that would prove nothing.

    Raises:
        TimeoutError: it has not ended after two minutes.
    """
    with tempfile.NamedTemporaryFile() as output:
        process = _forks.Process(target=_run, args=(test, mutant, output.name))
        process.start()
        process.join(_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"{test} has not ended after {_SECONDS} s with {mutant}")
        errors = [line[1:].strip() for line in output if line.startswith(b"E ")]
    misfits = mutant and any(line.startswith(_MISFITS) for line in errors)
    return MISFIT if misfits else process.exitcode


def _run(test: str, mutant: str | None, output: str) -> None:
    """Run *test* in this process and write what pytest prints to the file *output*."""
    descriptor = os.open(output, os.O_WRONLY)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.chdir(ROOT)
    os.environ |= {
        "HYPOTHESIS_STORAGE_DIRECTORY": os.devnull,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    os.environ.pop(VARIABLE, None)
    if mutant:
        os.environ[VARIABLE] = mutant
    sys.exit(pytest.main(["-q", "-x", *_PLUGINS, "-p", "no:cacheprovider", test]))


def caught(mutant: Mutant) -> bool:
    """Whether the mutant's test passes without it and fails with it."""
    return (
        exit_code(mutant.caught_by, None) == PASSED
        and exit_code(mutant.caught_by, mutant.name) == FAILED
    )
