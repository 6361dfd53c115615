"""The metrics of a worker: each with its unit and meaning; no other module names any."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streams.judge.judge import Judged
from streams.judge.outcomes import Outcome

# docs/runbook.md says what each means and what to do.
ALARM_KINDS: Final = (
    "recovery_stuck",
    "rebalance_stuck",
    "take_stuck",
    "store_stuck",
    "commit_stuck",
    "missing_slice",
    "retention_passed",
    "rows_missing",
    "topic_recreated",
    "reject_flood",
    "moved_in_circles",
    "partitions_changed",
    "tenants_file_bad",
)


class WorkerMetrics:
    """The metrics of one worker process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry)
        self.records = counter(
            "railhead_worker_records_total",
            "Records by outcome: stored, duplicate, conflict, rejected, moved. Repeats are normal.",
            ["topic", "tenant", "fate"],
        )
        self.rejected = counter(
            "railhead_worker_rejected_total",
            "Records refused, by reason; each is kept in fasttrack.rejected.",
            ["topic", "reason"],
        )
        self.adjusted = counter(
            "railhead_worker_adjusted_values_total",
            "Values stored in another form than they were sent, by adjustment, from all producers; "
            "the ingest API counts its own in railhead_door_adjusted_values_total.",
            ["topic", "tenant", "adjustment"],
        )
        self.ranges = counter(
            "railhead_worker_ranges_total", "Contiguous offset ranges stored.", ["topic"]
        )
        self.retries = counter(
            "railhead_worker_write_retries_total",
            "Writes that were not confirmed and are tried again, by step and error.",
            ["step", "error"],
        )
        self.range_seconds = histogram(
            "railhead_worker_range_seconds",
            "Seconds to make one range durable: rows, changelog, dead letters, ledger.",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
        )
        self.oldest_unstored_seconds = gauge(
            "railhead_worker_oldest_unstored_seconds",
            "Age of the oldest records taken and not yet stored, without pauses in a reject spike.",
            ["topic", "partition"],
        )
        self.lag_records = gauge(
            "railhead_worker_lag_records",
            "Records past the committed offset.",
            ["topic", "partition"],
        )
        self.remembered_ids = gauge(
            "railhead_worker_remembered_ids", "Ids remembered for dropping repeats.", ["topic"]
        )
        self.remembered_bytes = gauge(
            "railhead_worker_remembered_bytes", "Bytes reserved for the dedup index.", ["topic"]
        )
        self.unreadable_blocks = gauge(
            "railhead_worker_unreadable_blocks",
            "Changelog records that held no ids; repeats of those ids are stored, and shown once.",
            ["topic"],
        )
        self.loop_delay_seconds = gauge(
            "railhead_worker_loop_delay_seconds", "How late the event loop ran its last timer."
        )
        self.alarms = counter(
            "railhead_worker_alarms_total",
            "Conditions an operator must look at, by kind; the log says what and where.",
            ["kind"],
        )

        # Exported as 0 from the start: an alert on growth needs a first value.
        self._alarms = {kind: self.alarms.labels(kind=kind) for kind in ALARM_KINDS}

    def alarm(self, kind: str) -> None:
        """Count an alarm of one of `ALARM_KINDS`."""
        self._alarms[kind].inc()

    def forget_partitions(self, held: set[tuple[str, str]]) -> None:
        """Drop the gauges of partitions no longer *held*: another worker has them."""
        for gauge in (self.oldest_unstored_seconds, self.lag_records):
            known = {
                (sample.labels["topic"], sample.labels["partition"])
                for metric in gauge.collect()
                for sample in metric.samples
            }
            for labels in known - held:
                gauge.remove(*labels)

    def count(self, topic: str, judged: Sequence[Judged]) -> None:
        """Count a stored range."""
        self.ranges.labels(topic=topic).inc()
        for part in judged:
            for (tenant, outcome), number in part.by_tenant.items():
                self.records.labels(topic=topic, tenant=tenant, fate=outcome.name.lower()).inc(
                    number
                )
            for (tenant, one), number in part.adjusted.items():
                self.adjusted.labels(topic=topic, tenant=tenant, adjustment=one.value).inc(number)
            for reject in part.rejects:
                self.rejected.labels(topic=topic, reason=reject.reason).inc()
                self.records.labels(
                    topic=topic,
                    tenant=reject.key.decode("utf-8", "replace"),
                    fate=Outcome.REJECTED.name.lower(),
                ).inc()
