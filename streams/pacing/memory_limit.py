"""Limits the bytes taken and not yet stored, over all partitions of a worker.

A partition may always hold a little, so that one whose store stands still cannot starve the others;
past that it waits while the worker as a whole holds too much: more than it stores in a second. So
there is always something to judge while other records are written, however many partitions share
the worker, and in an outage of the store little memory is taken.
"""

from __future__ import annotations

import asyncio

from streams.pacing.rate_meter import RateMeter

# What a partition may hold whatever the others do.
ALWAYS_BYTES = 2**20
# What a worker may hold however little it stores.
LEAST_BYTES = 12 * 2**20


class MemoryLimit:
    """Bytes held by all partition writers of a worker."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.held_bytes = 0
        self._stored = RateMeter()
        self._given_back = asyncio.Event()

    def take(self, size_bytes: int) -> None:
        """Note that a writer holds more; it waits for its turn before, with `wait_for_room`."""
        self.held_bytes += size_bytes

    def give_back(self, size_bytes: int) -> None:
        """Note that a writer holds less, stored or not."""
        self.held_bytes -= size_bytes
        self._given_back.set()

    def stored(self, size_bytes: int) -> None:
        """Note that a writer has stored something and no longer holds it."""
        self._stored.note(size_bytes)
        self.give_back(size_bytes)

    @property
    def bound_bytes(self) -> float:
        """How much may be held now: what is stored in a second, between two bounds."""
        return min(self.most_bytes, max(LEAST_BYTES, self._stored.per_second))

    async def wait_for_room(self, own_bytes: int) -> None:
        """Return once a writer that holds *own_bytes* may take more, or something was given back.

        The caller checks again: it may hold less by then.
        """
        if self.has_room(own_bytes):
            return
        self._given_back.clear()
        await self._given_back.wait()

    def has_room(self, own_bytes: int) -> bool:
        """Whether a writer that holds *own_bytes* may take more."""
        return own_bytes < ALWAYS_BYTES or self.held_bytes < self.bound_bytes
