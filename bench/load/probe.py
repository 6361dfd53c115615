"""Measures the time from a 204 until an analyst sees the row, with single events among the load.

A row counts as visible when a SELECT on the view has returned it, so the time of that query and of
the pause between two queries is included. Probes have a tenant of their own; they go through the
same topics, fetched batches and inserts as the load.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import aiohttp

from bench.load.generator import BULK
from bench.machine import Machine

TENANT: Final = "probe"
POST_EVERY_SECONDS: Final = 0.1
ASK_EVERY_SECONDS: Final = 0.03
LATEST_SECONDS: Final = 20.0
QUERY: Final = "SELECT unique_id FROM fasttrack.casino WHERE tenant = 'probe' FORMAT TSV"


class Probe:
    """Posts events one by one and records how long each took to be visible."""

    def __init__(self, machine: Machine, key: str) -> None:
        self._url = machine.settings.http_url + BULK
        self._store = machine.settings.clickhouse_url
        self._key = key
        self._posting = threading.Event()
        self._answered_at: dict[str, float] = {}
        self._pending: set[str] = set()
        self.visible_after_seconds: list[float] = []

    @property
    def lost(self) -> int:
        """How many were answered 204 and never seen."""
        return len(self._pending)

    def stop(self) -> None:
        """Post no more; `run` returns when the last is visible or too late."""
        self._posting.clear()

    def run(self) -> None:
        """Post and ask until stopped."""
        self._posting.set()
        asyncio.run(self._run())

    async def _run(self) -> None:
        async with aiohttp.ClientSession() as session:
            asking = asyncio.create_task(self._ask(session))
            while self._posting.is_set():
                await self._post(session)
                await asyncio.sleep(POST_EVERY_SECONDS)
            until = time.monotonic() + LATEST_SECONDS
            while self._pending and time.monotonic() < until:  # noqa: ASYNC110 - a deadline
                await asyncio.sleep(ASK_EVERY_SECONDS)
            asking.cancel()

    async def _post(self, session: aiohttp.ClientSession) -> None:
        event = _bet()
        headers = {"x-api-key": self._key, "content-type": "application/json"}
        body = json.dumps([event]).encode()
        async with session.post(self._url, data=body, headers=headers) as answer:
            await answer.read()
            if answer.status == 204:
                unique_id = event["data"]["unique_id"]
                self._answered_at[unique_id] = time.monotonic()
                self._pending.add(unique_id)

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        while True:
            if self._pending:
                async with session.get(self._store, params={"query": QUERY}) as answer:
                    load_result = set((await answer.text()).split())
                now = time.monotonic()
                for unique_id in self._pending & load_result:
                    self.visible_after_seconds.append(now - self._answered_at[unique_id])
                self._pending -= load_result
            await asyncio.sleep(ASK_EVERY_SECONDS)


@contextmanager
def probing(machine: Machine, key: str) -> Iterator[Probe]:
    """Probe while the block runs; afterwards the probe has its results."""
    probe = Probe(machine, key)
    thread = threading.Thread(target=probe.run, name="probe", daemon=True)
    thread.start()
    try:
        yield probe
    finally:
        probe.stop()
        thread.join()


def _bet() -> dict[str, Any]:
    return {
        "event": "realtime-casino",
        "data": {
            "unique_id": f"probe-{uuid.uuid4().hex}",
            "user_id": "1",
            "timestamp": "2026-01-16T18:00:00Z",
            "game_id": "1",
            "round_id": "1",
            "type": "bet",
            "amount": 0.5,
            "currency": "EUR",
            "bonus_wager_amount": 0,
        },
    }
