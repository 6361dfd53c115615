"""A fake publisher for tests: topics as lists in memory."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ingest_http.publish.publisher import Delivery, Headers, RecordGroup, SubBatch


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record as a consumer would see it."""

    key: bytes
    value: bytes
    headers: Headers


class MemoryPublisher:
    """Keeps records in memory only."""

    def __init__(self) -> None:
        self.topics: defaultdict[str, list[StoredRecord]] = defaultdict(list)
        self.refused_topics: set[str] = set()
        self.silent_topics: set[str] = set()
        self.not_ready: str | None = None

    def submit(self, record_groups: Sequence[RecordGroup]) -> Delivery:
        """See `Publisher`; refused topics fail at once, silent ones never answer."""
        delivery = Delivery(asyncio.get_running_loop().create_future())
        for number, record_group in enumerate(record_groups):
            sub_batch = SubBatch(number, range(len(record_group.keys)))
            delivery.expect(sub_batch)
            if record_group.topic in self.refused_topics:
                delivery.fail(sub_batch)
            elif record_group.topic not in self.silent_topics:
                self.topics[record_group.topic] += [
                    StoredRecord(key, bytes(value), record_group.headers)
                    for key, value in zip(record_group.keys, record_group.values, strict=True)
                ]
                delivery.confirm(sub_batch)
        delivery.seal()
        return delivery

    def why_not_ready(self) -> str | None:
        """See `Publisher`."""
        return self.not_ready
