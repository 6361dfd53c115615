"""Sends items again straight into their topics, as a direct producer, checked here.

For when no ingest API can be used. The tenant is in a header, as with every direct producer; who
may write to the topics may write for any tenant, so this asks for no key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from events.check.check import check_items
from events.check.result import Rejection
from events.contract.id_rules import IdRules
from events.values.instants import utc_text
from ingest_http.batch import record_headers
from ingest_http.dead_letters import RequestOrigin
from railhead.dead_letters.replay.items import ReplayItem
from railhead.dead_letters.replay.ways import ReplayStoppedError

FIRST_ANSWER_SECONDS = 8.0
TIMEOUT_SECONDS = 60.0
Record = tuple[str, bytes, bytes]


class ByKafka:
    """Produces to the broker at *bootstrap* for *tenant*; *request_id* is a header."""

    name = "kafka"

    def __init__(
        self,
        bootstrap: str,
        *,
        tenant: str,
        request_id: str,
        rules: IdRules,
        coerce_ids: bool = False,
    ) -> None:
        self._bootstrap = bootstrap
        self._tenant = tenant
        self._request_id = request_id
        self._rules = rules
        self._coerce_ids = coerce_ids

    def check(self, items: Sequence[ReplayItem]) -> list[Rejection]:
        """Check as the ingest API does."""
        return self._checked(items)[0]

    def send(self, items: Sequence[ReplayItem]) -> list[Rejection]:
        """Produce the valid items, and wait until all in-sync replicas have it."""
        refusals, records = self._checked(items)
        try:
            asyncio.run(self._produce(records))
        except (KafkaError, TimeoutError, OSError) as error:
            raise ReplayStoppedError(
                f"Kafka at {self._bootstrap}: {str(error) or 'no answer'}"
            ) from None
        return refusals

    def close(self) -> None:
        """Nothing stays open."""

    def _checked(self, items: Sequence[ReplayItem]) -> tuple[list[Rejection], list[Record]]:
        raws = [item.raw for item in items]
        checked = check_items(
            raws, tenant=self._tenant, rules=self._rules, coerce_ids=self._coerce_ids
        )
        records = [
            (
                accepted.type.topic,
                f"{self._tenant}:{home_id}".encode(),
                accepted.rewritten.get(position, raws[position]),
            )
            for accepted in checked.accepted
            for position, home_id in zip(accepted.positions, accepted.home_ids, strict=True)
        ]
        return checked.rejected, records

    async def _produce(self, records: Sequence[Record]) -> None:
        now = utc_text(datetime.now(UTC))
        headers = record_headers(RequestOrigin(self._tenant, self._request_id, now))
        # The usual partitioner puts a key where the ingest API puts it.
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, acks="all", max_request_size=8 * 1024 * 1024
        )
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                async with asyncio.timeout(FIRST_ANSWER_SECONDS):
                    await producer.start()
                waiting = [
                    await producer.send(topic, value, key, headers=headers)
                    for topic, key, value in records
                ]
                await asyncio.gather(*waiting)
        finally:
            await producer.stop()
