"""Streams a result of any size out of the engine through a pipe, in little memory.

The engine writes the result in its final format to the pipe by INTO OUTFILE; the event loop reads
the other end as fast as the client does. A slow client stops the engine, not the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Mapping

_PIPE_BYTES = 1 << 20
_F_SETPIPE_SZ = 1031
_TICK_SECONDS = 0.1


class ResultPipe:
    """A pipe the engine writes to and the event loop reads from."""

    def __init__(self) -> None:
        # The time zones of a Native result (native.py), set before anything is written.
        self.zones: Mapping[int, str] = {}
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        with contextlib.suppress(OSError):  # the user's pipe memory may be used up
            fcntl.fcntl(self._writer, _F_SETPIPE_SZ, _PIPE_BYTES)

    @property
    def clause(self) -> bytes:
        """The clause that makes a SELECT write here."""
        return b" INTO OUTFILE '/dev/fd/%d' APPEND COMPRESSION 'none' " % self._writer

    def finish(self) -> None:
        """Called by the thread that ran the statement: nothing more will be written."""
        if self._writer >= 0:
            os.close(self._writer)
            self._writer = -1

    def close(self) -> None:
        """Called by the event loop when the client reads no more.

        What the engine still writes is read and discarded until it has finished: a write to a
        closed pipe would count as a failed write, as on a broken disk (see disk.py).
        """
        if self._reader >= 0:
            asyncio.get_running_loop().add_reader(self._reader, self._discard)

    def _discard(self) -> None:
        with contextlib.suppress(BlockingIOError):
            if not os.read(self._reader, _PIPE_BYTES):
                asyncio.get_running_loop().remove_reader(self._reader)
                os.close(self._reader)
                self._reader = -1

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what the engine writes until it has finished; nothing when nothing comes."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                chunk = os.read(self._reader, _PIPE_BYTES)
            except BlockingIOError:
                if not await _readable(loop, self._reader):
                    yield b""
                continue
            if not chunk:
                return
            yield chunk


async def _readable(loop: asyncio.AbstractEventLoop, descriptor: int) -> bool:
    """Wait for something to read; false when there is none for a while."""
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(descriptor, wake)
    try:
        return bool((await asyncio.wait([ready], timeout=_TICK_SECONDS))[0])
    finally:
        loop.remove_reader(descriptor)
