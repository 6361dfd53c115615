"""A TCP proxy between two parts that delays, cuts, stalls, and swallows answers.

The case it exists for: the request arrived, the answer did not. The client then does not know
what happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from enum import Enum

LOOPBACK = "127.0.0.1"
CHUNK_BYTES = 1 << 16


class Weather(Enum):
    """How the network is at the moment."""

    FINE = "fine"
    SLOW = "slow"
    """Each chunk waits `delay_seconds`, in both directions."""
    REFUSING = "refusing"
    """New connections are closed at once; old ones go on."""
    NO_ANSWERS = "no answers"
    """Requests get through, answers are thrown away."""
    STALLED = "stalled"
    """Nothing gets through, nothing is closed."""


class Proxy:
    """Forwards *port* to *target*, as the weather allows."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.target = target
        self.delay_seconds = 0.0
        self._weather = Weather.FINE
        self._passable = asyncio.Event()
        self._passable.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)

    async def stop(self) -> None:
        """Stop listening and cut all connections."""
        if self._server is not None:
            self._server.close()
        self.cut()

    def change(self, weather: Weather, *, delay_seconds: float = 0.0) -> None:
        """Let the weather be *weather* from now on.

        An answer that was swallowed would leave its connection out of step, so such connections
        are cut when it clears up.
        """
        if self._weather in {Weather.NO_ANSWERS, Weather.STALLED} and weather is Weather.FINE:
            self.cut()
        self._weather = weather
        self.delay_seconds = delay_seconds
        if weather is Weather.STALLED:
            self._passable.clear()
        else:
            self._passable.set()

    def cut(self) -> int:
        """Reset every connection; how many there were."""
        cut = len(self._open)
        for writer in list(self._open):
            _reset(writer)
        return cut

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._weather is Weather.REFUSING:
            _reset(writer)
            return
        try:
            their_reader, their_writer = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, their_writer}
        self._open |= ends
        pumps = [
            asyncio.create_task(self._pump(reader, their_writer, answers=False)),
            asyncio.create_task(self._pump(their_reader, writer, answers=True)),
        ]
        try:
            # Being cancelled at the end of the loop is expected.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open -= ends
            for pump in pumps:
                pump.cancel()
            for end in ends:
                end.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                if self._weather is Weather.SLOW:
                    await asyncio.sleep(self.delay_seconds)
                await self._passable.wait()
                if answers and self._weather is Weather.NO_ANSWERS:
                    continue
                writer.write(chunk)
                await writer.drain()
            # Let what was written arrive before the other side sees the end.
            if writer.can_write_eof():
                writer.write_eof()
                await asyncio.sleep(0.05)


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection so that the other side gets a reset, not an end."""
    socket_ = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        socket_.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
