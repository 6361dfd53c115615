"""The publisher's twin for tests and dry experiments: topics as lists in memory."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ingest_http.publish import Headers, Lot, Part, Receipt


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as a consumer would see it."""

    key: bytes
    value: bytes
    headers: Headers


class MemoryPublisher:
    """Keeps what it is given; nothing of it survives the process."""

    def __init__(self) -> None:
        self.topics: defaultdict[str, list[Stored]] = defaultdict(list)
        self.refused_topics: set[str] = set()
        self.silent_topics: set[str] = set()
        self.not_ready: str | None = None

    def submit(self, lots: Sequence[Lot]) -> Receipt:
        """See `Publisher`; refused topics fail at once, silent ones never answer."""
        receipt = Receipt(asyncio.get_running_loop().create_future())
        for number, lot in enumerate(lots):
            part = Part(number, range(len(lot.keys)))
            receipt.expect(part)
            if lot.topic in self.refused_topics:
                receipt.fail(part)
            elif lot.topic not in self.silent_topics:
                self.topics[lot.topic] += [
                    Stored(key, bytes(value), lot.headers)
                    for key, value in zip(lot.keys, lot.values, strict=True)
                ]
                receipt.confirm(part)
        receipt.seal()
        return receipt

    def why_not_ready(self) -> str | None:
        """See `Publisher`."""
        return self.not_ready
