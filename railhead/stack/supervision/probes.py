"""Asks a part whether it answers yet; anything but the right answer means no."""

from __future__ import annotations

import asyncio
import struct
from typing import Final

TIMEOUT_SECONDS: Final = 2.0

# Kafka's Metadata request, version 4 (api 3): correlation id 1, client "up", an empty list of
# topics, do not create any. The answer: correlation id, throttle time, then the brokers' number.
METADATA: Final = struct.pack(">hhih2sib", 3, 4, 1, 2, b"up", 0, 0)
ANSWER: Final = struct.Struct(">iii")


async def http_answers(host: str, port: int, path: str) -> bool:
    """Whether GET *path* is answered with 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return (await _first_line(host, port, request)).split()[1:2] == [b"200"]
    except OSError:
        return False


async def kafka_answers(host: str, port: int) -> bool:
    """Whether the broker answers, and counts itself as alive.

    Until then it listens, but refuses to create topics or to take records.
    """
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            _, _, brokers = ANSWER.unpack(await _metadata(host, port))
            return bool(brokers > 0)
    except (OSError, EOFError):
        return False


async def _first_line(host: str, port: int, request: str) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request.encode("ascii"))
        return await reader.readline()
    finally:
        writer.close()


async def _metadata(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(struct.pack(">i", len(METADATA)) + METADATA)
        await reader.readexactly(4)
        return await reader.readexactly(ANSWER.size)
    finally:
        writer.close()
