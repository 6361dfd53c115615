"""Ingest APIs on free ports, with one tenant, for tests of the HTTP side."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ingest_http.api import IngestApi
from ingest_http.keyring import Keyring
from ingest_http.server import listening
from ingest_http.settings import ApiSettings
from railhead.stack.background import BackgroundStack, running_stack
from railhead.stack.settings import StackSettings
from tests.ingest_http.memory_publisher import MemoryPublisher
from tests.ingest_http.running_api import PARTITIONS, RunningApi, StartApi, new_tenant


@pytest.fixture
def tenants_path(tmp_path: Path) -> Path:
    """The path of this test's tenants file."""
    return tmp_path / "tenants.json"


@pytest.fixture
def start_api(tenants_path: Path) -> StartApi:
    """Start ingest APIs with other settings."""

    @contextlib.asynccontextmanager
    async def opened(**settings: Any) -> AsyncIterator[RunningApi]:
        key = new_tenant(tenants_path, "acme")
        chosen = {"http_port": 0, "drain_grace_seconds": 0} | settings
        api = IngestApi(
            ApiSettings(tenants_file=tenants_path, **chosen),
            Keyring(tenants_path),
            MemoryPublisher(),
        )
        async with listening(api) as ports, aiohttp.ClientSession() as client:
            yield RunningApi(api, ports, key, client)

    return opened


@pytest.fixture
async def acme(start_api: StartApi) -> AsyncIterator[RunningApi]:
    """An ingest API with tenant acme and ordinary settings."""
    async with start_api() as api:
        yield api


@pytest.fixture(scope="package")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackgroundStack]:
    """Kafka itself, with all topics."""
    settings = StackSettings(
        data_dir=tmp_path_factory.mktemp("kafka") / "data",
        kafka_port=0,
        parts=("kafka",),
        partitions=PARTITIONS,
    )
    with running_stack(settings, on_progress=lambda _: None) as stack:
        yield stack
