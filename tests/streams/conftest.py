"""Fixtures of the stream's tests."""

from __future__ import annotations

import pytest
from aiokafka.consumer import fetcher

from streams.fetched_slices import install


@pytest.fixture
def slices_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seam in aiokafka's fetcher, as in a worker; undone after the test."""
    monkeypatch.setattr(fetcher, "MemoryRecords", fetcher.MemoryRecords)
    monkeypatch.setattr(fetcher.FetchResult, "getall", fetcher.FetchResult.getall)
    install()
