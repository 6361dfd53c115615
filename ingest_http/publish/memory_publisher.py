"""The publisher's twin for tests and dry experiments: topics as lists in memory."""

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
    """Keeps what it is given; nothing of it survives the process."""

    def __init__(self) -> None:
        self.topics: defaultdict[str, list[StoredRecord]] = defaultdict(list)
        self.refused_topics: set[str] = set()
        self.silent_topics: set[str] = set()
        self.not_ready: str | None = None

    def submit(self, record_groups: Sequence[RecordGroup]) -> Delivery:
        """See `Publisher`; refused topics fail at once, silent ones never answer."""
        delivery = Delivery(asyncio.get_running_loop().create_future())
        for number, record_group in enumerate(record_groups):
            batch_part = SubBatch(number, range(len(record_group.keys)))
            delivery.expect(batch_part)
            if record_group.topic in self.refused_topics:
                delivery.fail(batch_part)
            elif record_group.topic not in self.silent_topics:
                self.topics[record_group.topic] += [
                    StoredRecord(key, bytes(value), record_group.headers)
                    for key, value in zip(record_group.keys, record_group.values, strict=True)
                ]
                delivery.confirm(batch_part)
        delivery.seal()
        return delivery

    def why_not_ready(self) -> str | None:
        """See `Publisher`."""
        return self.not_ready
