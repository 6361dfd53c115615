"""Clients that produce with librdkafka: idempotent, its own partitioner, every codec."""

from __future__ import annotations

import asyncio
from itertools import cycle
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer

from tests.system.chaos.clients import (
    LARGEST_DIRECT_BATCH,
    PRODUCE_TIMEOUT_SECONDS,
    Client,
    record_of,
    send_all,
)
from tests.system.chaos.content import Item

_CODECS: Final = ("none", "gzip", "snappy", "lz4", "zstd")


async def produce_by_librdkafka(client: Client, bootstrap: str) -> None:
    """Write to the topics; a batch that is not acknowledged as a whole is written again."""
    codecs = cycle(_CODECS)
    producer: Producer | None = None

    async def attempt(items: list[Item]) -> str:
        nonlocal producer
        producer = producer or _producer(bootstrap, next(codecs))
        answer = await asyncio.to_thread(_send, producer, client.tenant, items)
        if answer != "ok":
            # The whole batch is written again, by another one.
            producer.purge()
            producer = None
        return answer

    await send_all(client, LARGEST_DIRECT_BATCH, attempt)


def _producer(bootstrap: str, codec: str) -> Producer:
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "compression.type": codec,
            "message.timeout.ms": PRODUCE_TIMEOUT_SECONDS * 1000,
            "socket.timeout.ms": 5000,
            "linger.ms": 5,
            "log_level": 0,
        }
    )


def _send(producer: Producer, tenant: str, items: list[Item]) -> str:
    """Write *items*; "ok" once all are acknowledged, else what went wrong with the last."""
    answers = ["ok"]

    def note(error: KafkaError | None, _: object) -> None:
        if error is not None:
            answers.append(error.name())

    try:
        for item in items:
            topic, key, text, _ = record_of(tenant, item)
            headers: dict[str, str | bytes | None] = {"tenant": tenant.encode()}
            producer.produce(topic, text, key, headers=headers, on_delivery=note)
        left = producer.flush(2 * PRODUCE_TIMEOUT_SECONDS)
    except (KafkaException, BufferError) as error:
        return type(error).__name__
    return "not flushed" if left else answers[-1]
