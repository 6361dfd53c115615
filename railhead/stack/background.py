"""Runs the stack in a thread of its own, for callers that are not asynchronous."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from railhead.stack.settings import StackSettings
from railhead.stack.stack import Stack
from railhead.stack.supervision.supervisor import Say


class BackgroundStack:
    """A started stack; its parts are supervised by a thread while the caller goes on."""

    def __init__(self, stack: Stack, loop: asyncio.AbstractEventLoop) -> None:
        self._stack = stack
        self._loop = loop

    @property
    def settings(self) -> StackSettings:
        """Addresses and all else, with the ports that were chosen."""
        return self._stack.settings

    def environment(self) -> dict[str, str]:
        """See `Stack.environment`."""
        return self._stack.environment()

    def pid(self, name: str) -> int | None:
        """The process id of a part ("kafka", "door-1"), None while it is down."""
        return self._stack.home.pid(name)

    def halt(self, name: str) -> None:
        """See `Stack.halt`."""
        self._call(self._stack.halt(name))

    def resume(self, name: str) -> None:
        """See `Stack.resume`."""
        self._call(self._stack.resume(name))

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()


@contextmanager
def running_stack(settings: StackSettings, *, on_progress: Say) -> Iterator[BackgroundStack]:
    """Start the stack, yield it, stop it.

    Raises:
        StackError: it does not start.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stack", daemon=True)
    thread.start()
    try:
        stack = Stack(settings, on_progress=on_progress)
        starting = asyncio.run_coroutine_threadsafe(stack.start(), loop)
        try:
            starting.result()
            yield BackgroundStack(stack, loop)
        finally:
            # Ctrl-C may have come while it was starting.
            starting.cancel()
            asyncio.run_coroutine_threadsafe(stack.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
