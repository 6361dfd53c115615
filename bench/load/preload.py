"""Fills the topics before a worker is measured, with records as the ingest API makes them.

The ingest API's own check, record builder and publisher are used, without HTTP: same keys, values,
headers and batches.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from typing import Final

import uvloop

from bench.load.corpus import Corpus
from events.contract.id_rules import DEFAULT_RULES
from events.contract.registry import TOPICS
from events.values.instants import utc_text
from ingest_http.batch import CheckOptions, check, split_items
from ingest_http.dead_letters import RequestOrigin
from ingest_http.publish.kafka_connection import KafkaLink
from ingest_http.publish.kafka_publisher import KafkaOptions, KafkaPublisher

MOST_ITEMS: Final = 50_000
UNDER_WAY: Final = 4


class PreloadError(Exception):
    """The broker did not take everything."""


def preload(
    bootstrap: str, corpus: Corpus, *, items: int, tenants: Sequence[str], first_lap: int = 1
) -> int:
    """Put laps of *corpus* into the topics until at least *items* are there; return how many.

    Raises:
        PreloadError: some were not acknowledged.
    """
    laps = -(-items // corpus.items)
    bodies = (body for lap in range(first_lap, first_lap + laps) for body in corpus.lap(lap))
    uvloop.run(_fill(bootstrap, bodies, tenants))
    return laps * corpus.items


async def _fill(bootstrap: str, bodies: Iterable[bytes], tenants: Sequence[str]) -> None:
    link = KafkaLink(bootstrap, TOPICS, timeout_seconds=30.0)
    publisher = KafkaPublisher(link, KafkaOptions(timeout_seconds=30.0))
    running = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(30):
            while publisher.why_not_ready() is not None:  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0.05)
        admission = asyncio.Semaphore(UNDER_WAY)
        async with asyncio.TaskGroup() as group:
            for number, body in enumerate(bodies):
                await admission.acquire()
                task = group.create_task(_put(publisher, body, tenants[number % len(tenants)]))
                task.add_done_callback(lambda _: admission.release())
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _put(publisher: KafkaPublisher, body: bytes, tenant: str) -> None:
    now = utc_text(dt.datetime.now(dt.UTC))
    origin = RequestOrigin(tenant=tenant, request_id=uuid.uuid4().hex, received_at=now)
    reading = CheckOptions(DEFAULT_RULES, coerce_ids=False)
    batch = await check(split_items(body, MOST_ITEMS), reading, origin, lambda _: None)
    delivery = publisher.submit(batch.record_groups)
    await delivery.done
    if delivery.not_stored():
        raise PreloadError(f"{len(delivery.not_stored())} records were not acknowledged")
