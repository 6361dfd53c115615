"""The clients' own log of what they sent and which answers they got: the truth of a run.

Kept in memory for the checker and as JSON lines on disk for people: first a line for each batch
(who, tenant, way, items), then one for each attempt (batch, answer), with seconds since the start.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from tests.system.chaos.content import Item, Version

Key = tuple[int, int]
"""Kind and number of an id."""


@dataclass(slots=True)
class Sent:
    """What one tenant's clients sent: versions by id, attempted at all and acknowledged."""

    attempted: dict[Key, int] = field(default_factory=dict)
    acknowledged: dict[Key, int] = field(default_factory=dict)

    def note(self, into: dict[Key, int], items: list[Item]) -> None:
        """Add the versions of *items* to *into*, one bit a version."""
        for kind, number, version in items:
            into[kind, number] = into.get((kind, number), 0) | 1 << version


def has(versions: int, version: Version) -> bool:
    """Whether *version* is among the *versions* of an id."""
    return bool(versions >> version & 1)


class History:
    """The log of all clients and of the nemesis."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begun = time.monotonic()
        self.sent: dict[str, Sent] = {}
        self.events = 0
        self.attempts: Counter[str] = Counter()
        self._batches = 0
        self._file: TextIO = path.open("w", encoding="utf-8")

    def begin(self) -> None:
        """Start the clock of the run now."""
        self.begun = time.monotonic()

    def batch(self, who: str, tenant: str, items: list[Item]) -> int:
        """Note that *who* is about to send *items*; the batch's number."""
        sent = self.sent.setdefault(tenant, Sent())
        sent.note(sent.attempted, items)
        self._batches += 1
        self._line(batch=self._batches, who=who, tenant=tenant, items=items)
        return self._batches

    def attempt(self, batch: int, answer: str) -> None:
        """Note one attempt at a batch and its outcome."""
        self.attempts[answer] += 1
        self._line(attempt=batch, answer=answer)

    def acknowledged(self, tenant: str, items: list[Item]) -> None:
        """Note that *items* were answered with success."""
        sent = self.sent[tenant]
        sent.note(sent.acknowledged, items)
        self.events += len(items)

    def fault(self, text: str) -> None:
        """Note what the nemesis did."""
        self._line(fault=text)

    def close(self) -> None:
        """Write out what is buffered."""
        self._file.close()

    def _line(self, **what: Any) -> None:
        at = round(time.monotonic() - self.begun, 3)
        self._file.write(json.dumps({"at": at, **what}, separators=(",", ":")) + "\n")
