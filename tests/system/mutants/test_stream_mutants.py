"""A test that cannot fail proves nothing: each break of the promise is caught by a named test.

Here are those that a test of the stream catches; `test_other_mutants.py` has the others. There are
two files because two processes share the suite file by file.
"""

from __future__ import annotations

import pytest

from tests.system.mutants.run import FAILED, exit_code
from tests.system.mutants.table import OF_THE_STREAM, Mutant


@pytest.mark.parametrize("mutant", OF_THE_STREAM, ids=lambda mutant: mutant.name)
def test_every_mutant_is_caught(mutant: Mutant) -> None:
    """The named test fails with the break; that it passes without is the suite's to check."""
    assert exit_code(mutant.caught_by, mutant.name) == FAILED
