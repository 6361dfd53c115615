"""One running stack for the end-to-end tests; tests that break things start their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.e2e.system import System


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A stack shared by the tests that leave it whole."""
    running = System.make(tmp_path_factory.mktemp("stack") / "data", "--partitions", "2")
    running.up()
    yield running
    assert running.down() == 0


@pytest.fixture
def new_system(tmp_path: Path) -> Iterator[Callable[..., System]]:
    """Make a stack for one test, stopped afterwards."""
    made: list[System] = []

    def make(*options: str) -> System:
        running = System.make(tmp_path / f"data-{len(made)}", *options)
        made.append(running)
        running.up()
        return running

    yield make
    for running in made:
        running.down()
