"""The proxy does to connections what each weather says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from railhead.stack.ports import free_ports
from tests.system.chaos.proxy import LOOPBACK, Proxy, Weather


class Echo:
    """A server that answers each line with itself, and records what it received."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        while line := await reader.readline():
            self.heard.append(line)
            writer.write(line)
        writer.close()

    async def ask(self, line: bytes) -> bytes:
        """Send a line through the proxy on a connection of its own; the answer, empty if cut."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self.proxy.port)
        try:
            writer.write(line)
            async with asyncio.timeout(1):
                return await reader.readline()
        except ConnectionError:
            return b""
        finally:
            writer.transport.abort()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    """An echo server behind a proxy."""
    proxy = Proxy(*free_ports(2))
    made = Echo(proxy)
    server = await asyncio.start_server(made.serve, LOOPBACK, proxy.target)
    await proxy.start()
    yield made
    await proxy.stop()
    server.close()


async def test_fine_weather_passes_everything(echo: Echo) -> None:
    """Both ways."""
    assert await echo.ask(b"hello\n") == b"hello\n"


async def test_lost_answers_leave_the_request_heard(echo: Echo) -> None:
    """The client does not know what happened."""
    echo.proxy.change(Weather.NO_ANSWERS)

    with pytest.raises(TimeoutError):
        await echo.ask(b"hello\n")

    assert echo.heard == [b"hello\n"]


async def test_a_stalled_network_delivers_nothing_and_closes_nothing(echo: Echo) -> None:
    """Until it clears up, when such connections are cut."""
    echo.proxy.change(Weather.STALLED)

    with pytest.raises(TimeoutError):
        await echo.ask(b"hello\n")

    assert echo.heard == []
    echo.proxy.change(Weather.FINE)
    assert await echo.ask(b"again\n") == b"again\n"


async def test_refusing_closes_new_connections(echo: Echo) -> None:
    """At once."""
    echo.proxy.change(Weather.REFUSING)

    assert await echo.ask(b"hello\n") == b""


async def test_cutting_resets_open_connections(echo: Echo) -> None:
    """Both ends of each."""
    reader, writer = await asyncio.open_connection(LOOPBACK, echo.proxy.port)
    writer.write(b"hello\n")
    assert await reader.readline() == b"hello\n"

    assert echo.proxy.cut() == 2
    with pytest.raises(ConnectionError):
        await reader.readexactly(1)
