"""A worker driven by hand: the real judge, store and broker, with every step taken by the test.

So a test can leave a step out, take it twice or out of order, as no worker does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from clickhouse_connect.driver import create_client

from events.contract.id_rules import DEFAULT_RULES
from events.contract.registry import BY_TOPIC, REJECTED_TOPIC
from railhead.audit.chain import Span
from railhead.audit.records.kafka_log import incarnation_of, open_log
from sinks.connection import client_arguments
from sinks.ledger import LedgerEntry
from sinks.settings import StoreSettings
from sinks.store import Store
from streams.dedup.index import DedupIndex
from streams.fetch.fetched_batch import FetchedBatch, Partition, batch_of
from streams.judge.dead_letters import dead_letter_rows
from streams.judge.judge import Judged, judge, remember
from streams.judge.outcomes import OutcomeCounts

CASINO = "fasttrack.realtime-casino"
WEEK_MS = 7 * 24 * 3_600_000


def bet(unique_id: str, amount: int = 1, **fields: Any) -> bytes:
    """The bare data of a valid casino event."""
    data = {
        "unique_id": unique_id,
        "user_id": "u1",
        "timestamp": "2026-01-15T12:00:00Z",
        "game_id": "g",
        "round_id": "r",
        "type": "bet",
        "amount": amount,
        "currency": "EUR",
        "bonus_wager_amount": 0,
        **fields,
    }
    return json.dumps(data).encode()


@dataclass
class HandDrivenWorker:
    """Writes records, and what a worker writes about them."""

    kafka: str
    clickhouse: str

    def __post_init__(self) -> None:
        self.dedup_index: dict[tuple[str, int], DedupIndex] = {}
        self.settings = StoreSettings(url=self.clickhouse)

    async def produce(
        self,
        partition: int,
        *values: bytes | None,
        topic: str = CASINO,
        tenant: str | None = "acme",
        transaction: str = "",
    ) -> list[int]:
        """Append records to a partition; their offsets."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.kafka, transactional_id=transaction or None
        )
        headers = [("tenant", tenant.encode())] if tenant else []
        await producer.start()
        try:
            if transaction:
                await producer.begin_transaction()
            sent = [
                await producer.send(topic, value, partition=partition, headers=headers)
                for value in values
            ]
            await producer.flush()
            if transaction:
                await producer.commit_transaction()
            return [(await one).offset for one in sent]
        finally:
            await producer.stop()

    async def read(self, topic: str, partition: int, first: int, last: int) -> FetchedBatch:
        """The records of some offsets, as a worker gets them."""
        async with open_log(self.kafka) as log:
            records = [
                record
                async for batch in log.records(topic, partition, Span(first, last))
                for record in batch
            ]
            incarnation = incarnation_of((await log.positions([topic]))[topic])
        fetched = batch_of(Partition(topic, partition), records, follows=first)
        return replace(fetched, incarnation=incarnation)

    async def work(
        self,
        partition: int,
        first: int,
        last: int,
        *,
        topic: str = CASINO,
        generation: int = 1,
        skip: Sequence[str] = (),
    ) -> OutcomeCounts:
        """Store one range as a worker does, without the steps to *skip*.

        Steps are rows, conflicts, dead_letters and ledger.
        """
        fetched = await self.read(topic, partition, first, last)
        judged = self._judge(fetched)
        store = Store(self.settings)
        try:
            if judged.rows is not None and "rows" not in skip:
                token = f"{topic}:{partition}:{first}-{last}:{generation}"
                await store.insert(self._table(topic), judged.rows, token=token)
            if judged.conflicts is not None and "conflicts" not in skip:
                await store.write_conflicts(judged.conflicts)
            if judged.rejects and "dead_letters" not in skip:
                values = [reject.value for reject in judged.rejects]
                await self.produce(0, *values, topic=REJECTED_TOPIC, tenant=None)
            if "ledger" not in skip:
                await self.note(
                    partition, first, last, judged.counts, fetched=fetched, generation=generation
                )
        finally:
            await store.close()
        return judged.counts

    def _judge(self, fetched: FetchedBatch) -> Judged:
        if fetched.partition.topic == REJECTED_TOPIC:
            return dead_letter_rows(fetched, {})
        dedup_index = self.dedup_index.setdefault(fetched.partition, DedupIndex(WEEK_MS))
        row = BY_TOPIC[fetched.partition.topic]
        return remember(
            judge(fetched, row, dedup_index=dedup_index, stored={}, rules=DEFAULT_RULES)
        )

    def _table(self, topic: str) -> str:
        return "rejected" if topic == REJECTED_TOPIC else BY_TOPIC[topic].table

    async def note(
        self,
        partition: int,
        first: int,
        last: int,
        counts: OutcomeCounts,
        *,
        fetched: FetchedBatch,
        generation: int = 1,
    ) -> None:
        """Write one row of the ledger."""
        store = Store(self.settings)
        entry = LedgerEntry(
            topic=fetched.partition.topic,
            partition=partition,
            first=first,
            last=last,
            stored=counts.stored,
            duplicates=counts.duplicates,
            conflicts=counts.conflicts,
            rejected=counts.rejected,
            moved=counts.moved,
            generation=generation,
            token="by hand",
            worker="test",
            first_appended_ms=int(fetched.appended_ms[0]),
            last_appended_ms=int(fetched.appended_ms[-1]),
            incarnation=fetched.incarnation,
        )
        await store.write_ledger([entry])
        await store.close()

    async def commit(self, partition: int, offset: int, topic: str = CASINO) -> None:
        """Commit an offset for the workers' group."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.kafka, group_id="railhead", enable_auto_commit=False
        )
        await consumer.start()
        try:
            tp = TopicPartition(topic, partition)
            consumer.assign([tp])
            await consumer.commit({tp: offset})
        finally:
            await consumer.stop()

    async def sql(self, statement: str) -> None:
        """Change something in ClickHouse, as nobody should."""

        def run() -> None:
            with create_client(**client_arguments(self.settings)) as client:
                client.command(statement)

        await asyncio.to_thread(run)
