"""A test that cannot fail proves nothing: each break of the promise is caught by a named test."""

from __future__ import annotations

import pytest

from tests.mutants.run import FAILED, exit_code
from tests.mutants.table import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_is_caught(mutant: Mutant) -> None:
    """The named test fails with the break; that it passes without is seen by the suite itself."""
    assert exit_code(mutant.caught_by, mutant.name) == FAILED
