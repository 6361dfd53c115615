"""A short run of the fuzz; `make fuzz` is the long one."""

from __future__ import annotations

import pytest

from tests.system.fuzz.program import Plan, fuzz


@pytest.mark.e2e
def test_the_api_survives_whatever_is_sent() -> None:
    """No 500, nothing unexpected in its log, no loss, no growth, and ready at the end."""
    reported: list[str] = []

    result = fuzz(Plan(requests=500, seed=7, seconds=20, first_case=1), reported.append)

    assert not result.complaints, "\n".join(result.complaints)
    assert result.requests >= 500
    assert result.stored > 300
