"""Producers that write in transactions: committed, aborted, or left open by a producer that dies.

What is aborted or left open holds items that no other client ever sends: a row of one is an
invented row. They lie before, between and after the records of the other producers.
"""

from __future__ import annotations

import asyncio
import itertools

from aiokafka.errors import KafkaError

from tests.system.chaos.clients import (
    LARGEST_DIRECT_BATCH,
    PRODUCE_TIMEOUT_SECONDS,
    Client,
    Producers,
    send,
    send_all,
)
from tests.system.chaos.content import Item, Version

# No client's own numbers get this high.
FIRST_NUMBER_NEVER_SENT = 10**9
NEVER_SENT_SHARE = 0.3
LEFT_OPEN_SHARE = 0.3
# The broker aborts what its producer has left open after this, or up to ten seconds later.
LEFT_OPEN_MS = 3_000


async def produce_in_transactions(client: Client, bootstrap: str) -> None:
    """Write each batch in a transaction; now and then after another one that is never committed."""
    producers = Producers(bootstrap, transactional_id=client.name)
    numbers = itertools.count(FIRST_NUMBER_NEVER_SENT)

    async def attempt(items: list[Item]) -> str:
        try:
            async with asyncio.timeout(PRODUCE_TIMEOUT_SECONDS):
                if client.traffic.chance() < NEVER_SENT_SHARE:
                    never = [Item(kind, next(numbers), Version.FIRST) for kind, *_ in items[:5]]
                    await _never_committed(client, bootstrap, producers, never)
                await _write(producers, client, items)
                await (await producers.current()).commit_transaction()
        except (KafkaError, TimeoutError, OSError) as error:
            # Committed or not is unknown; the next producer of that name ends it.
            await producers.give_up()
            return type(error).__name__
        return "ok"

    try:
        await send_all(client, LARGEST_DIRECT_BATCH, attempt)
    finally:
        await producers.give_up()


async def _never_committed(
    client: Client, bootstrap: str, producers: Producers, items: list[Item]
) -> None:
    """A transaction that is aborted, or left open by a producer of another name that goes away."""
    if client.traffic.chance() >= LEFT_OPEN_SHARE:
        await _write(producers, client, items)
        await (await producers.current()).abort_transaction()
        return
    name = f"{client.name}-{items[0].number}"
    leaving = Producers(bootstrap, transactional_id=name, transaction_timeout_ms=LEFT_OPEN_MS)
    try:
        await _write(leaving, client, items)
    finally:
        await leaving.give_up()


async def _write(producers: Producers, client: Client, items: list[Item]) -> None:
    """Begin a transaction and write *items* in it."""
    producer = await producers.current()
    await producer.begin_transaction()
    await asyncio.gather(*[await send(producer, client.tenant, item) for item in items])
