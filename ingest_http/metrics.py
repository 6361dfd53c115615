"""The metrics of the ingest API, each with its unit and meaning.

Labels are bounded: `tenant` is one that has a key, `event` is one of the registry or `other`,
`reason` and `code` come from closed lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
ITEMS: Final = (1, 10, 100, 500, 1_000, 2_500, 5_000, 10_000, 50_000)


class ApiMetrics:
    """The metrics of one process of the ingest API, in a registry of their own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.answers = Counter(
            "railhead_door_answers",
            "Answers to bulk requests, by status and by code of the error (none for a success).",
            ["status", "code"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "railhead_door_request_seconds",
            "Seconds from the headers of a bulk request to its answer.",
            buckets=SECONDS,
            registry=registry,
        )
        self.publish_seconds = Histogram(
            "railhead_door_publish_seconds",
            "Seconds a bulk request waited for Kafka's acknowledgements.",
            buckets=SECONDS,
            registry=registry,
        )
        self.batch_items = Histogram(
            "railhead_door_batch_items",
            "Items in one bulk request.",
            buckets=ITEMS,
            registry=registry,
        )
        self.body_bytes = Counter(
            "railhead_door_body_bytes",
            "Bytes of request bodies read, after decompression.",
            registry=registry,
        )
        self.items = Counter(
            "railhead_door_items",
            "Items by outcome: stored (acknowledged by Kafka), rejected (kept on "
            "fasttrack.rejected), not_stored (answered 510; the client sends them again).",
            ["tenant", "event", "fate"],
            registry=registry,
        )
        self.rejected = Counter(
            "railhead_door_rejected_items",
            "Items rejected by the check, by reason; each is kept as a dead letter.",
            ["tenant", "event", "reason"],
            registry=registry,
        )
        self.adjusted = Counter(
            "railhead_door_adjusted_values",
            "Values of acknowledged items that are not stored exactly as they were sent, by "
            "adjustment; repeats count again, unlike in railhead_worker_adjusted_values_total.",
            ["tenant", "event", "adjustment"],
            registry=registry,
        )
        self.in_flight_bytes = Gauge(
            "railhead_door_in_flight_bytes",
            "Bytes of bodies held now; past railhead_door_in_flight_limit_bytes requests get 503.",
            registry=registry,
        )
        self.in_flight_limit_bytes = Gauge(
            "railhead_door_in_flight_limit_bytes",
            "Bytes of bodies that may be held at once.",
            registry=registry,
        )
        self.lingering = Gauge(
            "railhead_door_lingering_connections",
            "Connections answered before the end of their body, which is still read and discarded.",
            registry=registry,
        )
        self.ready = Gauge(
            "railhead_door_ready",
            "1 if a batch could be stored durably now, else 0.",
            registry=registry,
        )
        self.producers_replaced = Gauge(
            "railhead_door_producers_replaced",
            "Producers that died or lost their broker and were replaced since the start.",
            registry=registry,
        )
        self.tenants = Gauge(
            "railhead_door_tenants", "Tenants known to this process.", registry=registry
        )
        self.tenants_file_bad = Gauge(
            "railhead_door_tenants_file_bad",
            "1 while tenants.json cannot be read and its last good content is in force.",
            registry=registry,
        )
        self.clients_gone = Counter(
            "railhead_door_clients_gone",
            "Clients that closed the connection before their answer.",
            registry=registry,
        )
        self.loop_lag_seconds = Gauge(
            "railhead_door_loop_lag_seconds",
            "Seconds by which the event loop was last late.",
            registry=registry,
        )

    def page(self) -> bytes:
        """The metrics as Prometheus reads them."""
        return generate_latest(self.registry)

    def documented(self) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
        """(name, kind, meaning, labels) of each metric, for documents and their tests."""
        for value in vars(self).values():
            if isinstance(value, Counter | Gauge | Histogram):
                described = next(iter(value.describe()))
                suffix = "_total" if isinstance(value, Counter) else ""
                name = described.name + suffix
                yield name, described.type, described.documentation, value._labelnames  # noqa: SLF001
