"""Fixtures of the stream's tests."""

from __future__ import annotations

import pytest
from aiokafka.consumer import fetcher

from streams.fetch.fetcher_seam import install
from streams.pacing import rate_meter


@pytest.fixture
def batches_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seam in aiokafka's fetcher, as in a worker; undone after the test."""
    monkeypatch.setattr(fetcher, "MemoryRecords", fetcher.MemoryRecords)
    monkeypatch.setattr(fetcher, "PartitionRecords", fetcher.PartitionRecords)
    monkeypatch.setattr(fetcher.FetchResult, "getall", fetcher.FetchResult.getall)
    install()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that a rate meter reads, to be moved by hand."""
    now = [100.0]
    monkeypatch.setattr(rate_meter, "monotonic", lambda: now[0])
    return now
