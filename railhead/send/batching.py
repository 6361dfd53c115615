"""Groups items into requests: as many as asked for, as long as the body stays small enough."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, TypeVar

from railhead.send.reading import FileItem

LARGEST_BODY_BYTES: Final = 16 * 1024 * 1024

Item = TypeVar("Item")


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
    for some in grouped(items, lambda item: len(item.raw) + 1, size, LARGEST_BODY_BYTES):
        yield RequestBatch(tuple(some))


def grouped(
    items: Iterable[Item], size_of: Callable[[Item], int], most: int, most_bytes: int
) -> Iterator[list[Item]]:
    """Yield *items* in lists of *most*, fewer where their bytes would be more than *most_bytes*."""
    held: list[Item] = []
    held_bytes = 0
    for item in items:
        size = size_of(item)
        if held and (len(held) == most or held_bytes + size > most_bytes):
            yield held
            held, held_bytes = [], 0
        held.append(item)
        held_bytes += size
    if held:
        yield held


def compressed(body: bytes) -> bytes:
    """Return *body* as gzip; the same body always gives the same bytes."""
    return gzip.compress(body, compresslevel=1, mtime=0)
