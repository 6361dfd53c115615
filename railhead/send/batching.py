"""Groups items into requests: as many as asked for, as long as the body stays small enough."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from railhead.send.reading import FileItem

LARGEST_BODY_BYTES: Final = 16 * 1024 * 1024


class RequestBatch(NamedTuple):
    """Items that are posted together, in the order of the file."""

    items: tuple[FileItem, ...]

    def body(self) -> bytes:
        """Return the request's body."""
        return b"[" + b",".join([item.raw for item in self.items]) + b"]"

    def halves(self) -> tuple[RequestBatch, RequestBatch]:
        """Return the first and the second half; only for more than one item."""
        middle = len(self.items) // 2
        return RequestBatch(self.items[:middle]), RequestBatch(self.items[middle:])

    def positions(self) -> str:
        """Say where in the file these items are."""
        first, last = self.items[0].position, self.items[-1].position
        return f"item {first}" if first == last else f"items {first:,} to {last:,}"


def batches(items: Iterable[FileItem], size: int) -> Iterator[RequestBatch]:
    """Yield batches of *size* items, fewer where their text would pass 16 MiB."""
    held: list[FileItem] = []
    held_bytes = 0
    for item in items:
        if held and (len(held) == size or held_bytes + len(item.raw) > LARGEST_BODY_BYTES):
            yield RequestBatch(tuple(held))
            held, held_bytes = [], 0
        held.append(item)
        held_bytes += len(item.raw) + 1
    if held:
        yield RequestBatch(tuple(held))


def compressed(body: bytes) -> bytes:
    """Return *body* as gzip; the same body always gives the same bytes."""
    return gzip.compress(body, compresslevel=1, mtime=0)
