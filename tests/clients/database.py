"""The database that the clients are tried on: migrated, with rows in every view."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from events.check.check import check_records
from events.contract.examples import example_text
from events.contract.registry import EVENT_TYPES, EventType
from sinks.migrate import migrate
from sinks.settings import StoreSettings
from sinks.store import Store
from tests.engine_http.process import EngineProcess
from tests.sinks.overlaps import entry
from tests.sinks.rows import conflict, origin, rejected

TENANT: Final = "acme"
ITEMS: Final = 240
# More digits than a double has: a client that computes with doubles loses digits.
AMOUNT: Final = "1234567890123.000000000000000001"
DAYS: Final = 6


@contextmanager
def served(directory: Path) -> Iterator[EngineProcess]:
    """Run `railhead clickhouse` on a free port, with rows in every view."""
    engine = EngineProcess(directory).start()
    try:
        asyncio.run(_fill(engine.url))
        yield engine
    finally:
        engine.stop()


async def _fill(url: str) -> None:
    """Migrate, then store some items of each type, and what else the views show."""
    settings = StoreSettings(url=url)
    migrate(settings, report=lambda _line: None)
    store = Store(settings)
    try:
        for event_type in EVENT_TYPES:
            await store.insert(event_type.table, rows_of(event_type), token=uuid.uuid4().hex)
        await store.insert("rejected", rejected(TENANT, 1), token=uuid.uuid4().hex)
        await store.write_conflicts(conflict(TENANT, 5))
        await store.write_ledger([entry(EVENT_TYPES[0].topic, (0, ITEMS - 1, 1))])
    finally:
        await store.close()


def rows_of(event_type: EventType) -> pa.Table:
    """Rows of a type's table: its example, with other ids and times, as a worker stores them."""
    example = json.loads(example_text(event_type))["data"]
    checked = check_records(
        event_type, [_item(event_type, example, number) for number in range(ITEMS)]
    )
    assert not checked.rejected, checked.rejected
    (one,) = checked.accepted
    made = origin(TENANT, one.ids, one.positions, topic=event_type.topic)
    return pa.table({**made, **one.columns(), **one.lists()})


def _item(event_type: EventType, example: Mapping[str, Any], number: int) -> bytes:
    day = 10 + number % DAYS
    data = {
        **example,
        "timestamp": f"2025-01-{day}T12:00:{number % 60:02d}.123456789Z",
        "user_id": f"user-{number % 7}",
        **{field: f"{field}-{number}" for field in event_type.id_fields},
    }
    if "amount" in example:
        data["amount"] = "@"
    text = json.dumps({"event": event_type.name, "data": data})
    return text.replace('"@"', AMOUNT).encode()
