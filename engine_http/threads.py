"""Lets a request that is cancelled wait for the thread that works for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def ended(work: asyncio.Future[T]) -> T:
    """The outcome of *work*, which runs on a thread.

    A caller that is cancelled meanwhile, as its client has left, leaves only when the work has
    ended. Until then the thread may use the caller's descriptors, and once those are closed the
    system gives their numbers to other requests: the thread would read what is theirs.
    """
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return work.result()


async def on_thread(function: Callable[..., T], *arguments: object) -> T:
    """What *function* returns, called on a thread of the event loop; see `ended`."""
    return await ended(asyncio.get_running_loop().run_in_executor(None, function, *arguments))
