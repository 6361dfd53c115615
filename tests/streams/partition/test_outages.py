"""An outage of the store, however long, is lag and nothing else: no worker leaves or dies."""

from __future__ import annotations

import logging

import pytest

from sinks.errors import MisconfiguredError
from sinks.settings import StoreSettings
from sinks.store import Store
from streams.app import create_app
from streams.settings import WorkerSettings
from streams.worker import connect_if_there

A_MONTH_SECONDS = 30 * 86_400


def test_standing_still_for_long_is_no_fault_to_faust_and_aiokafka() -> None:
    """The worker once left its group after five minutes without a fetch."""
    conf = create_app(WorkerSettings()).conf
    assert conf.broker_max_poll_interval > A_MONTH_SECONDS
    assert conf.broker_commit_livelock_soft_timeout > A_MONTH_SECONDS
    assert conf.stream_processing_timeout > A_MONTH_SECONDS


async def test_a_worker_starts_without_its_store(
    unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so and goes on."""
    store = Store(StoreSettings.model_validate({"url": f"http://127.0.0.1:{unused_tcp_port}"}))
    with caplog.at_level(logging.WARNING):
        await connect_if_there(store)
    assert "held until" in caplog.text


async def test_a_worker_does_not_start_where_waiting_would_not_help(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong password is reported in one line, without a traceback."""
    store = Store(StoreSettings())

    async def refused() -> None:
        raise MisconfiguredError(
            "connect: ClickHouse answered 516: AUTHENTICATION_FAILED", code=516
        )

    monkeypatch.setattr(store, "connect", refused)
    with pytest.raises(SystemExit):
        await connect_if_there(store)
    assert "AUTHENTICATION_FAILED" in caplog.text
