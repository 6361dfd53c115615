"""Builds the stream of a worker: topics, agents, partition writers, store, acknowledgement.

    BatchConsumer ──fetched batch──▶ agent ──▶ PartitionWriter.take ──▶ PartitionWriter.run
                                     (one a topic)  judge: check, dedup     write: rows, changelog,
                                                                            ledger, then acknowledge

Faust gives group membership, agents, tables with changelogs and their recovery. Nothing may raise
out of an agent's loop (Faust would acknowledge what it was handling): what cannot be handled ends
the process, and the supervisor starts it again at the committed offsets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import faust
from yarl import URL

from events.check.template.check import KnownTemplates
from events.contract.registry import EVENT_TYPES, REJECTED_TOPIC, EventType
from sinks.store import Store
from streams.alarms import Fact, raise_alarms
from streams.dedup.table import DedupTable
from streams.faust.crash import die
from streams.faust.transport import BatchConsumer, BatchTopic, BatchTransport
from streams.fetch.fetched_batch import FetchedBatch, Partition
from streams.judge.dead_letters import dead_letter_rows
from streams.judge.judge import Judge, Judged, judge
from streams.judge.partition_counts import PartitionCounts
from streams.judge.rejects import RejectedRecord
from streams.metrics import WorkerMetrics
from streams.pacing.memory_limit import MemoryLimit
from streams.pacing.rate_meter import RateMeter
from streams.pacing.reject_spike import RejectSpikeGuard, RejectSpikeLimits
from streams.partition.durable_writes import DurableWrites, Remember
from streams.partition.ledger import LedgerWriter
from streams.partition.mover import Mover
from streams.partition.retry_policy import RetryPolicy
from streams.partition.writer import Pacing, PartitionWriter
from streams.partition.writers import PartitionWriters
from streams.recovery.mending import Mending
from streams.recovery.recovery_offset import RecoveryOffset, find_recovery_offset
from streams.settings import WorkerSettings
from tenants.id_rules import TenantRules

# In an outage of the store nothing is fetched, handled or committed for as long as it lasts. Faust
# and aiokafka would take that for a fault after five minutes: the worker left the group and did not
# come back, and the log grew by a hundred lines in 2.5 s. streams/observe.py finds what is stuck.
NEVER_SECONDS = 10.0 * 365 * 86_400


class RailheadApp(faust.App):  # type: ignore[misc]
    """Faust with the batch transport; `pause_partitions` says which partitions not to fetch now."""

    pause_partitions: Callable[[Partition], bool]
    consumer: BatchConsumer

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)


def create_app(settings: WorkerSettings) -> RailheadApp:
    """Configure Faust; each departure from its defaults has its reason (ids: docs/pitfalls.md)."""
    return RailheadApp(
        settings.group,
        env={},  # else PRODUCER_ACKS, BROKER_URL and seventy others override these
        broker=[URL(f"kafka://{host}") for host in settings.kafka_bootstrap.split(",")],
        datadir=str(settings.data_dir),
        store="memory://",
        processing_guarantee="at_least_once",  # exactly_once loses and duplicates (A9)
        stream_wait_empty=False,  # an outage of the store would block the group (B1)
        stream_recovery_delay=0.0,
        stream_buffer_maxsize=2,  # fetched batches, not records
        table_standby_replicas=0,  # would double memory and consumption (B11)
        topic_allow_declare=False,  # `railhead topics` creates them (C5)
        topic_disable_leader=True,
        web_enabled=False,  # would listen on 0.0.0.0 and show tables (C8)
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=settings.group_instance_id,
        # A consumer that starts together with the broker may know no topics; it must look again
        # soon.
        consumer_metadata_max_age_ms=10_000,
        consumer_max_fetch_size=settings.fetch_max_bytes,
        broker_max_poll_records=settings.slice_max_records,
        broker_commit_interval=settings.commit_interval_seconds,
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.heartbeat_seconds,
        broker_request_timeout=30.0,
        broker_max_poll_interval=NEVER_SECONDS,
        broker_commit_livelock_soft_timeout=NEVER_SECONDS,
        stream_processing_timeout=NEVER_SECONDS,
        producer_acks=-1,
        producer_request_timeout=30.0,  # the default is twenty minutes (B12)
        producer_max_request_size=8 * 2**20,
        producer_linger=0.0,
        cython_optimizations=False,
    )


class Stream:
    """The agents, tables and partition writers of one worker."""

    def __init__(
        self,
        settings: WorkerSettings,
        store: Store,
        *,
        metrics: WorkerMetrics | None = None,
    ) -> None:
        self.settings = settings
        self.store = store
        self.metrics = metrics or WorkerMetrics()
        self.tenant_rules = TenantRules(
            settings.tenants_file, lambda: self.metrics.alarm("tenants_file_bad")
        )
        self.retry_policy = RetryPolicy(self.metrics)
        self.ledger = LedgerWriter(store.write_ledger, self.retry_policy)
        self.app = create_app(settings)
        self.partition_writers = PartitionWriters()
        self.app.pause_partitions = self.partition_writers.pause_partitions
        self.partition_counts = PartitionCounts(self._partitions_of, self.metrics)
        self.mover = Mover(
            lambda: self.app.producer._ensure_producer(),  # noqa: SLF001, PLW0108 - made at start
            self.retry_policy,
            settings.changelog_timeout_seconds,
        )
        self.memory_limit = MemoryLimit(settings.worker_max_pending_bytes)
        self.rate_meter = RateMeter()
        self.templates: KnownTemplates = {}
        self.tables = {row.name: self._dedup_table(row) for row in EVENT_TYPES}
        for row in EVENT_TYPES:
            self._agent(row.topic, partial(self._event_writer, row))
        self._agent(REJECTED_TOPIC, partial(self._writer, "rejected", dead_letter_rows, None))
        self.app.on_partitions_revoked.connect(self._on_revoked)
        self.mending = Mending(self)
        self._reported: set[Fact] = set()

    def _dedup_table(self, row: EventType) -> DedupTable:
        table = DedupTable(
            self.app,
            name=f"seen-{row.name}",
            window_ms=round(self.settings.dedupe_window_hours * 3_600_000),
            help=f"Where each id of {row.name} was first seen.",
        )
        return self.app.tables.add(table)  # type: ignore[no-any-return]

    def _agent(self, topic: str, make_writer: Callable[[Partition], PartitionWriter]) -> None:
        """The same agent for every topic: it hands each fetched batch to its partition's writer."""

        async def agent(stream: Any) -> None:
            try:
                async for event in stream.noack().events():
                    fetched: FetchedBatch = event.value
                    writer = self.partition_writers.of(fetched.partition, make_writer)
                    await writer.take(event.ack, fetched)
            except asyncio.CancelledError:
                raise
            except BaseException:  # noqa: BLE001 - Faust would acknowledge it (A1)
                die(f"agent of {topic}")

        self.app.agent(
            BatchTopic(self.app, topics=[topic], key_type=bytes, value_type=bytes),
            name=f"agent-{topic}",
        )(agent)

    def _event_writer(self, row: EventType, partition: Partition) -> PartitionWriter:
        table = self.tables[row.name]
        dedup_index = table.index(partition.number)
        rejects_unknown = self.settings.reject_unknown_tenants

        def judge_batch(fetched: FetchedBatch, stored: Mapping[int, int]) -> Judged:
            return judge(
                fetched,
                row,
                dedup_index=dedup_index,
                stored=stored,
                rules=self.tenant_rules.current(),
                known_tenants=self.tenant_rules.names if rejects_unknown else None,
                partitions=self.partition_counts.of(row.topic),
                templates=self.templates,
            )

        timeout_seconds = self.settings.changelog_timeout_seconds
        remember = partial(table.remember, timeout_seconds=timeout_seconds)
        return self._writer(row.table, judge_batch, remember, partition)

    def _writer(
        self, table: str, judge_batch: Judge, remember: Remember | None, partition: Partition
    ) -> PartitionWriter:
        settings = self.settings
        limits = RejectSpikeLimits(settings.reject_flood_share, settings.reject_flood_per_second)
        return PartitionWriter(
            partition,
            judge=judge_batch,
            recovery=partial(self._recover, table),
            writes=DurableWrites(
                table,
                self.store,
                remember,
                self._publish,
                self.mover.send,
                self._generation,
                self.ledger,
                self.retry_policy,
                self.metrics,
            ),
            rewind=self.app.consumer.rewind,
            log_start=self._log_start,
            memory_limit=self.memory_limit,
            rate_meter=self.rate_meter,
            spike_guard=RejectSpikeGuard(limits),
            pacing=Pacing(
                settings.insert_max_rows,
                settings.insert_max_bytes,
                settings.insert_pause_share,
                settings.insert_max_pause_seconds,
            ),
        )

    async def _recover(self, table: str, fetched: FetchedBatch) -> RecoveryOffset:
        topic = fetched.partition.topic
        await self.retry_policy.until_done("partitions", lambda: self._count_partitions(topic))
        return await self.find_recovery_offset(table, fetched)

    async def find_recovery_offset(self, table: str, fetched: FetchedBatch) -> RecoveryOffset:
        """Where to go on with the partition of *fetched*; raises the alarms."""
        partition = fetched.partition
        start_offset = await self.retry_policy.until_done(
            "begin", lambda: self.app.consumer.start_offset_of(partition)
        )
        start = await self._log_start(partition)
        found = await self.retry_policy.until_done(
            "resume",
            lambda: find_recovery_offset(
                self.store,
                table,
                fetched,
                start_offset=start_offset,
                log_start=start,
                first_after=partial(self.app.consumer.first_after, partition),
            ),
        )
        raise_alarms(partition, found, self.metrics, self._reported)
        return found

    async def _log_start(self, partition: Partition) -> int:
        return await self.retry_policy.until_done(
            "log start", lambda: self.app.consumer.log_start(partition)
        )

    def _generation(self) -> int:
        """The group's generation: greater with every rebalance, so a zombie's is lower."""
        coordinator = self.app.consumer._thread._consumer._coordinator  # noqa: SLF001
        return int(coordinator.generation)

    async def _count_partitions(self, topic: str) -> int:
        return self.partition_counts.of(topic)

    def _partitions_of(self, topic: str) -> Collection[int] | None:
        client = self.app.consumer._thread._consumer._client  # noqa: SLF001
        found: Collection[int] | None = client.cluster.partitions_for_topic(topic)
        return found

    async def _publish(self, reject: RejectedRecord) -> None:
        sent = await self.app.producer.send(
            REJECTED_TOPIC, reject.key, reject.value, None, None, None
        )
        async with asyncio.timeout(self.settings.changelog_timeout_seconds):
            await sent

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        """Drop what is not acknowledged: the owner gets it again (A12)."""
        await self.partition_writers.close()
