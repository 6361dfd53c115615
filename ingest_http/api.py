"""The state of the ingest API between requests, and whether it could store a batch now."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from events.contract.registry import BY_NAME
from ingest_http.batch import AcceptedItems, CheckedBatch, RejectedItems
from ingest_http.body.admission import AdmissionControl
from ingest_http.http.lingering import Lingering
from ingest_http.keyring import Keyring
from ingest_http.metrics import ApiMetrics
from ingest_http.publish.publisher import Publisher
from ingest_http.settings import ApiSettings

OTHER_EVENT = "other"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class IngestApi:
    """The parts of one process of the ingest API."""

    settings: ApiSettings
    keyring: Keyring
    publisher: Publisher
    metrics: ApiMetrics = field(default_factory=ApiMetrics)
    draining: bool = False
    lingering: Lingering = field(default_factory=Lingering)
    admission: AdmissionControl = field(init=False)

    def __post_init__(self) -> None:
        self.admission = AdmissionControl(self.settings.max_in_flight_bytes)
        self.metrics.in_flight_limit_bytes.set(self.admission.size_bytes)
        self.metrics.in_flight_bytes.set_function(lambda: self.admission.used_bytes)
        self.metrics.lingering.set_function(lambda: self.lingering.now)
        self.metrics.ready.set_function(lambda: self.why_not_ready() is None)
        self.metrics.tenants.set_function(lambda: len(self.keyring.tenants))
        self.metrics.tenants_file_bad.set_function(lambda: self.keyring.last_error is not None)

    def why_not_ready(self) -> str | None:
        """Why a batch could not be stored durably now; None if it could."""
        return self.publisher.why_not_ready()

    def count(
        self, batch: CheckedBatch, not_stored: Sequence[tuple[int, int]], tenant: str
    ) -> None:
        """Count each item of *batch* once, under its outcome."""
        metrics = self.metrics
        metrics.batch_items.observe(batch.size)
        lost = Counter(record_group for record_group, _ in not_stored)
        for number, group in enumerate(batch.groups):
            event = group.event if isinstance(group, AcceptedItems) else OTHER_EVENT
            outcome = "stored" if isinstance(group, AcceptedItems) else "rejected"
            missing = lost[number]
            metrics.items.labels(tenant, event, outcome).inc(len(group.positions) - missing)
            if missing:
                metrics.items.labels(tenant, event, "not_stored").inc(missing)
            if isinstance(group, RejectedItems):
                self._count_reasons(group, tenant)
            elif group.adjusted:
                not_stored_positions = {
                    group.positions[index]
                    for record_group, index in not_stored
                    if record_group == number
                }
                self._count_adjusted(group, not_stored_positions, tenant)

    def _count_adjusted(self, group: AcceptedItems, not_stored: set[int], tenant: str) -> None:
        for position, adjustment in group.adjusted:
            if position not in not_stored:
                self.metrics.adjusted.labels(tenant, group.event, adjustment.value).inc()

    def _count_reasons(self, group: RejectedItems, tenant: str) -> None:
        log.info("items rejected", extra={"tenant": tenant, "items": len(group.positions)})
        for rejection in group.rejections:
            event = rejection.event if rejection.event in BY_NAME else OTHER_EVENT
            self.metrics.rejected.labels(tenant, event, rejection.reason).inc()
