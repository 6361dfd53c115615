"""Serves /metrics, /health/live and /health/ready, and runs the watchdogs behind them."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from events.contract.registry import BY_NAME
from streams.faust.crash import end_process
from streams.fetch.fetched_batch import Partition
from streams.fetch.opening_aside import is_opening
from streams.partition.writer import PartitionWriter
from streams.watchdog import Facts, PartitionFacts, stuck

if TYPE_CHECKING:
    from streams.app import Stream

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
# A recovery reads millions of ids a second. One that is given nothing for so long will not be given
# anything later either, and its partitions stand still: a new process starts over.
RECOVERY_LIMIT_SECONDS = 12.0
# Half of the shortest session: the group is about to take this worker for dead.
LATE_SECONDS = 3.0


class Observer:
    """Serves health and metrics, keeps the gauges current and restarts a stuck worker."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._runner: web.AppRunner | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._last_tick = time.monotonic()
        self._recovery_since = time.monotonic()
        self._settled_at = time.monotonic()
        self._recovery_progress: tuple[int, int] | None = None
        self._troubled_at = float("-inf")
        # When each partition's next offset was first seen waiting at the broker.
        self._untaken: dict[Partition, tuple[float, int]] = {}

    async def start(self) -> None:
        """Listen on the metrics port, if one is set, and begin to watch."""
        self._ticking = asyncio.create_task(self._tick())
        settings = self._stream.settings
        if not settings.worker_metrics_port:
            return
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, settings.metrics_host, settings.worker_metrics_port).start()

    async def stop(self) -> None:
        """Stop listening and watching."""
        if self._ticking is not None:
            self._ticking.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        body = generate_latest(self._stream.metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _live(self, _: web.Request) -> web.Response:
        late = time.monotonic() - self._last_tick
        return web.json_response({"live": late < 10}, status=200 if late < 10 else 503)

    async def _ready(self, _: web.Request) -> web.Response:
        reason = self.not_ready()
        return web.json_response(
            {"ready": reason is None, "reason": reason}, status=200 if reason is None else 503
        )

    def not_ready(self) -> str | None:
        """Why the worker could not take records now; None when it could."""
        app = self._stream.app
        if not app.consumer or not app.tables.actives_ready:
            return "waiting for the group, or reading the changelogs"
        if app.rebalancing:
            return "the group is rebalancing"
        return None

    async def _tick(self) -> None:
        while True:
            due = time.monotonic() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            self._last_tick = time.monotonic()
            late = max(0.0, self._last_tick - due)
            self._stream.metrics.loop_delay_seconds.set(late)
            if late > LATE_SECONDS:
                logger.warning("The event loop stood still for %.1f s.", late)
            try:
                self._stream.tenant_rules.refresh()
                self._gauges()
                self._watch()
            except Exception:  # a gauge must not end the watch
                logger.exception("Could not update the worker's gauges.")

    def _gauges(self) -> None:
        metrics = self._stream.metrics
        metrics.forget_partitions(self._held())
        now = asyncio.get_running_loop().time()
        for writer in self._stream.partition_writers:
            oldest = writer.waiting_since
            metrics.oldest_unstored_seconds.labels(*map(str, writer.partition)).set(
                0.0 if oldest is None else now - oldest
            )
        for name, table in self._stream.tables.items():
            store = table.data
            topic = BY_NAME[name].topic
            metrics.remembered_ids.labels(topic).set(len(store))
            metrics.unreadable_blocks.labels(topic).set(store.unreadable)
            metrics.remembered_bytes.labels(topic).set(
                sum(index.nbytes for index in store.indexes.values())
            )
        self._lag()

    def _held(self) -> set[tuple[str, str]]:
        """The partitions assigned now, as labels."""
        return {(tp.topic, str(tp.partition)) for tp in self._stream.app.consumer.assignment()}

    def _lag(self) -> None:
        consumer = self._stream.app.consumer
        committed = consumer._committed_offset  # noqa: SLF001 - Faust keeps it here only
        for tp in consumer.assignment():
            highwater = consumer.highwater(tp)
            if highwater is None or tp.topic in self._stream.app.tables.changelog_topics:
                continue
            self._stream.metrics.lag_records.labels(tp.topic, str(tp.partition)).set(
                max(0, highwater - (committed[tp] or 0))
            )

    def _watch(self) -> None:
        """End the process when something is stuck: the supervisor starts it again."""
        limit = self._stream.settings.stuck_seconds
        found = stuck(
            self._facts(),
            limit_seconds=limit,
            recovery_limit_seconds=min(limit, RECOVERY_LIMIT_SECONDS),
        )
        if found is None:
            return
        kind, what = found
        self._stream.metrics.alarm(kind)
        logger.critical("Stuck: %s; the process ends and starts again.", what)
        end_process()

    def _facts(self) -> Facts:
        app = self._stream.app
        if self._stream.retry_policy.holding:
            self._troubled_at = time.monotonic()
        if self._stream.retry_policy.holding or app.rebalancing or not app.tables.actives_ready:
            self._untaken.clear()
        return Facts(
            partitions=[self._partition_facts(writer) for writer in self._stream.partition_writers],
            uncommitted_seconds=app.consumer.commits.uncommitted_seconds(),
            recovery_seconds=self._recovery_seconds(),
            rebalancing_seconds=self._rebalancing_seconds(),
            calm_seconds=time.monotonic() - self._troubled_at,
        )

    def _partition_facts(self, writer: PartitionWriter) -> PartitionFacts:
        now = asyncio.get_running_loop().time()
        oldest = writer.waiting_since
        waits = writer.has_room and self._stream.app.consumer.waits_past(
            writer.partition, writer.next_offset
        )
        seen_at, next_offset = self._untaken.get(writer.partition, (now, -1))
        if not waits or next_offset != writer.next_offset:
            seen_at = now
        self._untaken[writer.partition] = (seen_at, writer.next_offset)
        return PartitionFacts(
            str(writer.partition), 0.0 if oldest is None else now - oldest, now - seen_at
        )

    def _rebalancing_seconds(self) -> float:
        """Seconds that a rebalance has lasted, without recovery; 0 when there is none."""
        app = self._stream.app
        if not app.rebalancing or app.tables.recovery.in_recovery:
            self._settled_at = time.monotonic()
        return time.monotonic() - self._settled_at

    def _recovery_seconds(self) -> float:
        """Seconds that a recovery has made no progress (pitfalls.md#b2); 0 when there is none."""
        recovery = self._stream.app.tables.recovery
        progress = None
        if recovery.in_recovery and not is_opening():
            remembered = sum(len(table.data) for table in self._stream.tables.values())
            progress = (remembered, recovery.active_remaining_total())
        if progress is None or progress != self._recovery_progress:
            self._recovery_progress = progress
            self._recovery_since = time.monotonic()
        return time.monotonic() - self._recovery_since
