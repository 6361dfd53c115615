"""Fixtures for the tests of the contract: the example of each event type."""

from __future__ import annotations

import pytest

from events.contract.examples import example_text
from events.contract.registry import EVENT_TYPES


@pytest.fixture(scope="session")
def examples() -> dict[str, bytes]:
    """One valid item per type, by name."""
    return {row.name: example_text(row).encode() for row in EVENT_TYPES}
