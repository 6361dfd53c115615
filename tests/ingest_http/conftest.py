"""Doors on free ports, with one tenant, for tests of the HTTP side."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ingest_http.door import Door
from ingest_http.keyring import Keyring
from ingest_http.publish_memory import MemoryPublisher
from ingest_http.server import listening
from ingest_http.settings import DoorSettings
from railhead.stack.background import BackgroundStack, running_stack
from railhead.stack.settings import StackSettings
from tests.ingest_http.doors import PARTITIONS, OpenADoor, OpenDoor, new_tenant


@pytest.fixture
def tenants_path(tmp_path: Path) -> Path:
    """Where the tenants file of this test lives."""
    return tmp_path / "tenants.json"


@pytest.fixture
def open_door(tenants_path: Path) -> OpenADoor:
    """Make doors with settings of one's own."""

    @contextlib.asynccontextmanager
    async def opened(**settings: Any) -> AsyncIterator[OpenDoor]:
        key = new_tenant(tenants_path, "acme")
        chosen = {"http_port": 0, "drain_grace_seconds": 0} | settings
        door = Door(
            DoorSettings(tenants_file=tenants_path, **chosen),
            Keyring(tenants_path),
            MemoryPublisher(),
        )
        async with listening(door) as ports, aiohttp.ClientSession() as client:
            yield OpenDoor(door, ports, key, client)

    return opened


@pytest.fixture
async def acme(open_door: OpenADoor) -> AsyncIterator[OpenDoor]:
    """A door with tenant acme and ordinary settings."""
    async with open_door() as door:
        yield door


@pytest.fixture(scope="session")
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
