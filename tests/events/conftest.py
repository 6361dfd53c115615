"""Fixtures for the tests of the contract: the example of each event type."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from events.contract.examples import example_text
from events.contract.registry import EVENT_TYPES
from tests.events.checks import TEMPLATES


@pytest.fixture(scope="session", params=[{}, None], ids=["templates", "off"])
def templates(request: pytest.FixtureRequest) -> Iterator[None]:
    """With the template check and without it, for modules that check records."""
    TEMPLATES.append(request.param)
    yield
    TEMPLATES.pop()


@pytest.fixture(scope="session")
def examples() -> dict[str, bytes]:
    """One valid item per type, by name."""
    return {row.name: example_text(row).encode() for row in EVENT_TYPES}
