"""What a writer sees when the engine dies and comes back."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from railhead.stack.ports import free_port
from sinks.errors import Retryable
from sinks.migrate import migrate
from sinks.settings import StoreSettings
from sinks.store import Store
from tests.sinks.rows import TOPIC, logins


def start(data_dir: Path, port: int) -> subprocess.Popen[str]:
    """The engine on *port*, ready."""
    command = [
        sys.executable, "-m", "railhead.cli.main", "clickhouse",
        "--data-dir", str(data_dir), "--port", str(port),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready ")
    return process


async def test_an_engine_killed_and_started_again_has_every_stored_row_once(
    tmp_path: Path, tenant: str
) -> None:
    """In between writes are retryable; the same client goes on; a token is still known."""
    port = free_port()
    engine = start(tmp_path, port)
    settings = StoreSettings(url=f"http://127.0.0.1:{port}")
    migrate(settings, report=lambda _line: None)
    store = Store(settings)
    rows = logins(tenant, ["a", "b"], [1, 2])
    await store.insert("login", rows, token="1-2")

    engine.kill()
    engine.wait()
    with pytest.raises(Retryable):
        await store.insert("login", logins(tenant, ["c"], [3]), token="3-3")
    engine = start(tmp_path, port)
    await store.insert("login", rows, token="1-2")
    await store.insert("login", logins(tenant, ["c"], [3]), token="3-3")

    since = datetime(2026, 1, 1, tzinfo=UTC)
    stored = await store.stored_offsets("login", TOPIC, 0, first=0, since=since)
    await store.close()
    engine.terminate()
    assert engine.wait(timeout=30) == 0
    assert set(stored) == {1, 2, 3}
