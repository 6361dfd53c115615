"""The items that a measurement posts: an evening of the demo's traffic, repeated with new ids.

Making an item costs ten times what the ingest API needs for it, so a measurement makes one evening
and posts it lap after lap. All ids of an evening begin with the same six digits; each lap has other
digits. So a lap has the repeats of the evening and shares no id with another lap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from demo.traffic.dice import Dice
from demo.traffic.traffic import Mix, SentBatch, Tally, batches

# Gives 5% repeats and 1% invalid items. Conflicts are not part of the promised mix.
MIX: Final = Mix(repeats=0.055, invalid=0.01, conflicts=False)
SEED: Final = 7
LAPS: Final = 16**6


@dataclass(frozen=True)
class Corpus:
    """One evening of *items* items in bodies of *batch_size*, and its laps."""

    items: int
    batch_size: int

    @cached_property
    def evening(self) -> list[SentBatch]:
        """The bodies of the first lap, made once."""
        return list(batches(SEED, self.items, self.batch_size, mix=MIX))

    @cached_property
    def tally(self) -> Tally:
        """The expected outcomes of one lap's items."""
        whole = Tally()
        for batch in self.evening:
            whole.add(batch.tally)
        return whole

    @property
    def prefix(self) -> bytes:
        """What every id of the evening begins with; not only digits, so no number contains it."""
        return Dice(SEED).prefix.encode()

    @property
    def mean_item_bytes(self) -> float:
        """Bytes of an item with its comma."""
        return sum(len(batch.body) for batch in self.evening) / self.items

    def lap(self, number: int) -> Iterator[bytes]:
        """The bodies of lap *number*; they are as long as the evening's."""
        prefix = lap_prefix(self.prefix, number)
        return (batch.body.replace(self.prefix, prefix) for batch in self.evening)


def lap_prefix(prefix: bytes, lap: int) -> bytes:
    """The six digits that replace *prefix* in lap number *lap*; each lap has its own."""
    return b"%06x" % ((int(prefix, 16) + lap) % LAPS)
