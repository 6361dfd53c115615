"""Settings for all tests: no test is judged by the time it takes."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import Phase, settings

from tests import distribution

settings.register_profile("railhead", deadline=None)
settings.load_profile("railhead")


def pytest_configure() -> None:
    """Break the product as `RAILHEAD_MUTANT` says (tests/system/mutants); unset: as it is."""
    name = os.environ.get("RAILHEAD_MUTANT")
    if name:
        from tests.system.mutants.table import BY_NAME  # noqa: PLC0415 - it is not loaded otherwise

        # One example is enough here; shrinking it takes longer than finding it.
        settings.register_profile("mutants", deadline=None, phases=[Phase.explicit, Phase.generate])
        settings.load_profile("mutants")
        BY_NAME[name].apply()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let tests that share a stack run in one process."""
    return distribution.scheduler(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say in which order tests begin."""
    distribution.sort(items)
