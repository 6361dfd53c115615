"""A part reacts unless it is silent."""

from __future__ import annotations

import asyncio
import socket

import pytest

from railhead.stack.supervision import probes
from railhead.stack.supervision.probes import http_request, reacts

HOST = "127.0.0.1"
REQUEST = http_request(HOST, 1, "/health/live")


async def test_only_silence_is_no_reaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel takes the connection, also when nobody accepts it any more."""
    monkeypatch.setattr(probes, "SILENCE_SECONDS", 0.2)
    with socket.create_server((HOST, 0)) as hanging:
        port = hanging.getsockname()[1]
        assert not await reacts(HOST, port, REQUEST)
    # Nobody listens: it starts, or ends.
    assert await reacts(HOST, port, REQUEST)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 503 Service Unavailable\r\n", b""])
async def test_an_error_and_a_closed_connection_are_reactions(answer: bytes) -> None:
    """As of an ingest API that is not ready, or has all the connections that it may have."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, HOST, 0) as server:
        assert await reacts(HOST, server.sockets[0].getsockname()[1], REQUEST)


async def test_a_look_that_was_late_itself_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a loaded machine the answer may be there and not read."""
    monkeypatch.setattr(probes, "SILENCE_SECONDS", 0.01)
    monkeypatch.setattr(probes, "TIMEOUT_SECONDS", 0.0)
    with socket.create_server((HOST, 0)) as hanging:
        assert await reacts(HOST, hanging.getsockname()[1], REQUEST)
