"""A listening ingest API with a publisher in memory, and a client for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from ingest_http.api import IngestApi
from ingest_http.http.routes import BULK_PATH
from ingest_http.server import Ports
from tenants.changes import add_tenant, make_key
from tenants.tenants import Tenant
from tenants.tenants_file import change_tenants
from tests.ingest_http.memory_publisher import MemoryPublisher

PARTITIONS = 3


def new_tenant(path: Path, name: str, **options: Any) -> str:
    """Add a tenant to the file as `railhead tenant add` does; its key."""
    shown = ""

    def change(file: Any, pepper: bytes) -> Any:
        nonlocal shown
        now = datetime.now(UTC)
        stored, shown = make_key(pepper, now=now)
        return add_tenant(file, name, Tenant(created_at=now, keys=(stored,), **options))

    change_tenants(path, change)
    return shown


def casino(unique_id: str, **changed: Any) -> dict[str, Any]:
    """A valid casino item."""
    data = {
        "unique_id": unique_id,
        "user_id": "686",
        "timestamp": "2025-01-15T12:00:00Z",
        "game_id": "686",
        "round_id": "680",
        "type": "bet",
        "amount": 0.5,
        "currency": "EUR",
        "bonus_wager_amount": 0,
    }
    return {"event": "realtime-casino", "data": data | changed}


async def until(condition: Callable[[], object], *, seconds: float = 10) -> None:
    """Wait for *condition*, or fail."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


@dataclass
class Answer:
    """What the ingest API answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class RunningApi:
    """A listening ingest API and a client for it."""

    ingest: IngestApi
    ports: Ports
    key: str
    client: aiohttp.ClientSession

    @property
    def memory(self) -> MemoryPublisher:
        """The publisher of the ingest API."""
        assert isinstance(self.ingest.publisher, MemoryPublisher)
        return self.ingest.publisher

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.ports.http}"

    async def post_items(self, body: Any, query: str = "", **headers: str) -> Answer:
        """Post *body* (bytes as they are, anything else as JSON) with the tenant's key."""
        sent = {"x-api-key": self.key, "content-type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        content = {"data": body} if isinstance(body, bytes) else {"json": body}
        return await self.ask("POST", BULK_PATH + query, headers=sent, **content)

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        """Send any request to the main port of the ingest API."""
        async with self.client.request(method, self.url + path, **options) as answer:
            return Answer(answer.status, answer.headers, await answer.read())


StartApi = Callable[..., AbstractAsyncContextManager[RunningApi]]
