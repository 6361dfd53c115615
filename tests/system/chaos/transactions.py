"""Producers that write in transactions: committed, aborted, or left open by a producer that dies.

What is aborted or left open holds items that nobody else ever sends: a row of one is an invented
row. They lie before, between and behind the records of the other producers, at all positions.
"""

from __future__ import annotations

import asyncio
import itertools

from aiokafka.errors import KafkaError

from tests.system.chaos.content import Item, Version
from tests.system.chaos.senders import (
    LARGEST_DIRECT_BATCH,
    PRODUCE_TIMEOUT_SECONDS,
    Client,
    Producers,
    send,
    send_all,
)

# No sender's own numbers get so high.
FIRST_NUMBER_NEVER_SENT = 10**9
NEVER_SENT_SHARE = 0.3
LEFT_OPEN_SHARE = 0.3
# The broker aborts what its producer has left open after this, or up to ten seconds later.
LEFT_OPEN_MS = 3_000


async def produce_in_transactions(api_client: Client, bootstrap: str) -> None:
    """Write each batch in a transaction; now and then another one that comes to nothing first."""
    producers = Producers(bootstrap, transactional_id=api_client.name)
    numbers = itertools.count(FIRST_NUMBER_NEVER_SENT)

    async def attempt(items: list[Item]) -> str:
        try:
            async with asyncio.timeout(PRODUCE_TIMEOUT_SECONDS):
                if api_client.traffic.chance() < NEVER_SENT_SHARE:
                    never = [Item(kind, next(numbers), Version.FIRST) for kind, *_ in items[:5]]
                    await _in_vain(api_client, bootstrap, producers, never)
                await _write(producers, api_client, items)
                await (await producers.current()).commit_transaction()
        except (KafkaError, TimeoutError, OSError) as error:
            # Committed or not: nobody knows, and the next producer of that name ends it.
            await producers.give_up()
            return type(error).__name__
        return "ok"

    try:
        await send_all(api_client, LARGEST_DIRECT_BATCH, attempt)
    finally:
        await producers.give_up()


async def _in_vain(
    api_client: Client, bootstrap: str, producers: Producers, items: list[Item]
) -> None:
    """A transaction that is aborted, or left open by a producer of another name that goes away."""
    if api_client.traffic.chance() >= LEFT_OPEN_SHARE:
        await _write(producers, api_client, items)
        await (await producers.current()).abort_transaction()
        return
    name = f"{api_client.name}-{items[0].number}"
    leaving = Producers(bootstrap, transactional_id=name, transaction_timeout_ms=LEFT_OPEN_MS)
    try:
        await _write(leaving, api_client, items)
    finally:
        await leaving.give_up()


async def _write(producers: Producers, api_client: Client, items: list[Item]) -> None:
    """Begin a transaction and write *items* in it."""
    producer = await producers.current()
    await producer.begin_transaction()
    await asyncio.gather(*[await send(producer, api_client.tenant, item) for item in items])
