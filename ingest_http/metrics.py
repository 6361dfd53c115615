"""The metrics of the ingest API, each with its unit and meaning.

Labels are bounded: `tenant` is one that has a key, `event` is one of the registry or `other`,
`reason` and `code` come from closed lists.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
ITEMS: Final = (1, 10, 100, 500, 1_000, 2_500, 5_000, 10_000, 50_000)


class ApiMetrics:
    """The metrics of one process of the ingest API, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry)
        self.answers = counter(
            "railhead_door_answers",
            "Answers to bulk requests, by status and by code of the error (none for a success).",
            ["status", "code"],
        )
        self.request_seconds = histogram(
            "railhead_door_request_seconds",
            "Seconds from the headers of a bulk request to its answer.",
            buckets=SECONDS,
        )
        self.publish_seconds = histogram(
            "railhead_door_publish_seconds",
            "Seconds a bulk request waited for Kafka's acknowledgements.",
            buckets=SECONDS,
        )
        self.batch_items = histogram(
            "railhead_door_batch_items", "Items in one bulk request.", buckets=ITEMS
        )
        self.body_bytes = counter(
            "railhead_door_body_bytes", "Bytes of request bodies read, after decompression."
        )
        self.items = counter(
            "railhead_door_items",
            "Items by outcome: stored (acknowledged by Kafka), rejected (kept on "
            "fasttrack.rejected), not_stored (answered 510; the client sends them again).",
            ["tenant", "event", "fate"],
        )
        self.rejected = counter(
            "railhead_door_rejected_items",
            "Items rejected by the check, by reason; each is kept as a dead letter.",
            ["tenant", "event", "reason"],
        )
        self.adjusted = counter(
            "railhead_door_adjusted_values",
            "Values of acknowledged items that are not stored exactly as they were sent, by "
            "adjustment; repeats count again, unlike in railhead_worker_adjusted_values_total.",
            ["tenant", "event", "adjustment"],
        )
        self.in_flight_bytes = gauge(
            "railhead_door_in_flight_bytes",
            "Bytes of bodies held now; past railhead_door_in_flight_limit_bytes requests get 503.",
        )
        self.in_flight_limit_bytes = gauge(
            "railhead_door_in_flight_limit_bytes", "Bytes of bodies that may be held at once."
        )
        self.lingering = gauge(
            "railhead_door_lingering_connections",
            "Connections answered before the end of their body, which is still read and discarded.",
        )
        self.ready = gauge(
            "railhead_door_ready", "1 if a batch could be stored durably now, else 0."
        )
        self.producers_replaced = gauge(
            "railhead_door_producers_replaced",
            "Producers that died or lost their broker and were replaced since the start.",
        )
        self.tenants = gauge("railhead_door_tenants", "Tenants known to this process.")
        self.tenants_file_bad = gauge(
            "railhead_door_tenants_file_bad",
            "1 while tenants.json cannot be read and its last good content is in force.",
        )
        self.clients_gone = counter(
            "railhead_door_clients_gone", "Clients that closed the connection before their answer."
        )
        self.loop_lag_seconds = gauge(
            "railhead_door_loop_lag_seconds", "Seconds by which the event loop was last late."
        )

    def page(self) -> bytes:
        """The metrics as Prometheus reads them."""
        return generate_latest(self.registry)
