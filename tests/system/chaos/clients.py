"""Clients that send each batch until it is acknowledged, and log every attempt."""

from __future__ import annotations

import asyncio
import contextlib
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from events.contract.registry import BY_NAME
from tests.system.chaos.content import KINDS, Item, Version, data_text, id_of, item_text
from tests.system.chaos.history import History
from tests.system.chaos.traffic import Traffic

BULK = "/api/v1/integrations/fasttrack/bulk"
LARGEST_BATCH = 400
LARGEST_DIRECT_BATCH = 60
REQUEST_TIMEOUT_SECONDS = 25
PRODUCE_TIMEOUT_SECONDS = 10


@dataclass(slots=True)
class Quota:
    """How many events are to be sent in all, at what pace; shared by all clients."""

    events: int
    rate: float
    begun: float
    taken: int = 0

    async def take(self, wanted: int) -> int:
        """Wait for the pace and take up to *wanted* events; 0 when all are sent."""
        size = min(wanted, self.events - self.taken)
        self.taken += size
        due = self.begun + self.taken / self.rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        return size


@dataclass(frozen=True, slots=True)
class Client:
    """Who sends, for whom, what, and where it is logged."""

    name: str
    tenant: str
    traffic: Traffic
    quota: Quota
    history: History


async def send_all(
    client: Client, largest: int, attempt: Callable[[list[Item]], Awaitable[str]]
) -> None:
    """Send batches until the quota is used up, each until *attempt* says "ok"."""
    while size := await client.quota.take(client.traffic.size(largest)):
        items = client.traffic.batch(size)
        batch = client.history.batch(client.name, client.tenant, items)
        while (answer := await attempt(items)) != "ok":
            client.history.attempt(batch, answer)
            await asyncio.sleep(0.1 + 0.6 * client.traffic.chance())
        client.history.attempt(batch, answer)
        client.history.acknowledged(client.tenant, items)


async def post_over_http(client: Client, url: str, key: str, *, known_at: float = 0.0) -> None:
    """Post as FastTrack does, whole batches, again on anything but 204.

    Until *known_at* a process may not know the key yet, which is tried again, too.
    """
    timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECONDS)
    headers = {"x-api-key": key, "content-type": "application/json"}
    async with aiohttp.ClientSession(url, timeout=timeout, headers=headers) as session:

        async def attempt(items: list[Item]) -> str:
            texts = [item_text(client.tenant, item) for item in items]
            try:
                async with session.post(BULK, data=f"[{','.join(texts)}]".encode()) as answer:
                    body = await answer.read()
                    if answer.status == 403 and time.monotonic() < known_at:
                        return "403"
                    return _meaning(answer.status, body)
            except (aiohttp.ClientError, OSError) as error:
                return type(error).__name__

        await send_all(client, LARGEST_BATCH, attempt)


def _meaning(status: int, body: bytes) -> str:
    """What an answer means; one that no retry will change is a failure of the run."""
    if status == 204:
        return "ok"
    if status < 500 and status not in {408, 429}:
        raise AssertionError(f"the ingest API answered {status}: {body[:300]!r}")
    return str(status)


async def produce_directly(client: Client, bootstrap: str) -> None:
    """Write to the topics as another system does: own keys, bare data or whole items."""
    producers = Producers(bootstrap)

    async def attempt(items: list[Item]) -> str:
        try:
            async with asyncio.timeout(PRODUCE_TIMEOUT_SECONDS):
                producer = await producers.current()
                sent = [await send(producer, client.tenant, item) for item in items]
                await asyncio.gather(*sent)
        except (KafkaError, TimeoutError, OSError) as error:
            await producers.give_up()
            return type(error).__name__
        return "ok"

    try:
        await send_all(client, LARGEST_DIRECT_BATCH, attempt)
    finally:
        await producers.give_up()


async def send(producer: AIOKafkaProducer, tenant: str, item: Item) -> asyncio.Future[object]:
    """Hand *item* to a producer, written, keyed and partitioned in one of several ways."""
    topic, key, text, way = record_of(tenant, item)
    partition = None
    if way >= 4:
        # As librdkafka does, whose default is not Kafka's hash; and anywhere without a key.
        partitions = sorted(await producer.partitions_for(topic))
        partition = partitions[zlib.crc32(f"{key} {item.number}".encode()) % len(partitions)]
    sent: asyncio.Future[object] = await producer.send(
        topic,
        text.encode(),
        key=None if key is None else key.encode(),
        partition=partition,
        headers=[("tenant", tenant.encode())],
    )
    return sent


def record_of(tenant: str, item: Item) -> tuple[str, str | None, str, int]:
    """Topic, key and value of *item*'s record, and in which of six ways it is written.

    The same item is always written the same way, so that a retry repeats it.
    """
    way = (item.kind + item.number) % 6
    text = data_text(tenant, item) if way % 2 else item_text(tenant, item)
    if item.version == Version.RUBBISH:
        text = data_text(tenant, item)
    of_id, own = f"{tenant}:{id_of(item.kind, item.number)}", f"own-{item.number % 50}"
    key = (of_id, own, None, own, of_id, None)[way]
    return BY_NAME[KINDS[item.kind]].topic, key, text, way


class Producers:
    """One producer at a time; a new one after trouble, as an application would restart."""

    def __init__(self, bootstrap: str, **options: Any) -> None:
        self._options = {
            "bootstrap_servers": bootstrap,
            "acks": "all",
            "request_timeout_ms": 5000,
            "linger_ms": 5,
            **options,
        }
        self._producer: AIOKafkaProducer | None = None

    async def current(self) -> AIOKafkaProducer:
        """The producer there is, or a new one."""
        if self._producer is None:
            producer = self._producer = AIOKafkaProducer(**self._options)
            await producer.start()
        return self._producer

    async def give_up(self) -> None:
        """Stop the producer there is; a transaction that it has begun stays open."""
        producer, self._producer = self._producer, None
        if producer is not None:
            # RuntimeError: aiokafka writes to a connection that uvloop has closed.
            with contextlib.suppress(KafkaError, TimeoutError, OSError, RuntimeError):
                async with asyncio.timeout(3):
                    await producer.stop()
