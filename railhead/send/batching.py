"""Which items go into one request? As many as asked for, as long as the body stays small enough."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from railhead.send.reading import Item

LARGEST_BODY_BYTES: Final = 16 * 1024 * 1024


class Batch(NamedTuple):
    """Items that are posted together, in the order of the file."""

    items: tuple[Item, ...]

    def body(self) -> bytes:
        """Return the request's body."""
        return b"[" + b",".join([item.raw for item in self.items]) + b"]"

    def halves(self) -> tuple[Batch, Batch]:
        """Return the first and the second half; only for more than one item."""
        middle = len(self.items) // 2
        return Batch(self.items[:middle]), Batch(self.items[middle:])

    def places(self) -> str:
        """Say where in the file these items stand."""
        first, last = self.items[0].place, self.items[-1].place
        return f"item {first}" if first == last else f"items {first:,} to {last:,}"


def batches(items: Iterable[Item], size: int) -> Iterator[Batch]:
    """Yield batches of *size* items, fewer where their text would pass 16 MiB."""
    held: list[Item] = []
    held_bytes = 0
    for item in items:
        if held and (len(held) == size or held_bytes + len(item.raw) > LARGEST_BODY_BYTES):
            yield Batch(tuple(held))
            held, held_bytes = [], 0
        held.append(item)
        held_bytes += len(item.raw) + 1
    if held:
        yield Batch(tuple(held))


def compressed(body: bytes) -> bytes:
    """Return *body* as gzip; the same body always gives the same bytes."""
    return gzip.compress(body, compresslevel=1, mtime=0)
