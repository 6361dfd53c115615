"""How many bytes may be taken and not yet stored? One bound for all partitions of a worker.

A partition may always hold a little, so that one whose store stands still cannot starve the
others; past that it waits while the worker as a whole holds too much.
"""

from __future__ import annotations

import asyncio

# What a partition may hold whatever the others do.
ALWAYS_BYTES = 2**20


class Budget:
    """Bytes held by all lanes of a worker."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.held_bytes = 0
        self._given_back = asyncio.Event()

    def take(self, size_bytes: int) -> None:
        """Note that a lane holds more; whether it may is asked before, with `wait_for_room`."""
        self.held_bytes += size_bytes

    def give_back(self, size_bytes: int) -> None:
        """Note that a lane holds less."""
        self.held_bytes -= size_bytes
        self._given_back.set()

    async def wait_for_room(self, own_bytes: int) -> None:
        """Return when there is room for a lane that holds *own_bytes*, or something was given back.

        The caller asks again: it may hold less by then.
        """
        if own_bytes < ALWAYS_BYTES or self.held_bytes < self.most_bytes:
            return
        self._given_back.clear()
        await self._given_back.wait()

    def has_room(self, own_bytes: int) -> bool:
        """Whether a lane that holds *own_bytes* may take more."""
        return own_bytes < ALWAYS_BYTES or self.held_bytes < self.most_bytes
