"""See `test_stream_mutants.py`: the mutants that tests outside of the stream's catch."""

from __future__ import annotations

import pytest

from tests.system.mutants.run import FAILED, exit_code
from tests.system.mutants.table import OTHERS, Mutant


@pytest.mark.parametrize("mutant", OTHERS, ids=lambda mutant: mutant.name)
def test_every_mutant_is_caught(mutant: Mutant) -> None:
    """The named test fails with the break; that it passes without is the suite's to check."""
    assert exit_code(mutant.caught_by, mutant.name) == FAILED
