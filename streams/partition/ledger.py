"""Writes the ledger rows of all partition writers together, one write at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from sinks.ledger import LedgerEntry
from streams.partition.retry_policy import RetryPolicy


class LedgerWriter:
    """Collects entries during a write for the next one: small ranges do not cost an insert each."""

    def __init__(
        self, write: Callable[[Sequence[LedgerEntry]], Awaitable[None]], retry_policy: RetryPolicy
    ) -> None:
        self._write = write
        self._retry_policy = retry_policy
        self._waiting: list[tuple[LedgerEntry, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, entry: LedgerEntry) -> None:
        """Return when *entry* is in the ledger; it is tried until it is.

        A cancelled caller leaves its entry in the queue: the entry is true, as its rows were stored
        before.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._run())
        await done

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            entries = [entry for entry, _ in batch]
            try:
                await self._retry_policy.until_done("ledger", partial(self._write, entries))
            except BaseException as error:  # noqa: BLE001 - handed to those who wait
                for _, done in batch:
                    if not done.done():
                        done.set_exception(error)
                return
            for _, done in batch:
                if not done.done():
                    done.set_result(None)
