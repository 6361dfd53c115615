"""Asks a part whether it answers as it should, or reacts at all."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

TIMEOUT_SECONDS: Final = 2.0
SILENCE_SECONDS: Final = 4.0

# Kafka's Metadata request, version 4 (api 3): correlation id 1, client "up", an empty list of
# topics, do not create any. The answer: correlation id, throttle time, then the brokers' number.
METADATA: Final = struct.pack(">hhih2sib", 3, 4, 1, 2, b"up", 0, 0)
ANSWER: Final = struct.Struct(">iii")
KAFKA_REQUEST: Final = struct.pack(">i", len(METADATA)) + METADATA


async def http_answers(host: str, port: int, path: str) -> bool:
    """Whether GET *path* is answered with 200."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async with _asked(host, port, http_request(host, port, path)) as reader:
                return (await reader.readline()).split()[1:2] == [b"200"]
    except OSError:
        return False


async def reacts(host: str, port: int, request: bytes) -> bool:
    """Whether anything comes of *request*: an answer, also that of an error, or a refusal.

    Only silence means no: the kernel takes connections for a process that hangs.
    """
    begun = time.monotonic()
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            async with _asked(host, port, request) as reader:
                await reader.read(1)
    except TimeoutError:
        # If we were not run in time ourselves, the answer may be there.
        return time.monotonic() - begun > SILENCE_SECONDS + TIMEOUT_SECONDS
    except OSError:
        return True
    return True


def http_request(host: str, port: int, path: str) -> bytes:
    """GET *path*, after which the connection is closed."""
    line = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    return line.encode("ascii")


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


async def _metadata(host: str, port: int) -> bytes:
    async with _asked(host, port, KAFKA_REQUEST) as reader:
        await reader.readexactly(4)
        return await reader.readexactly(ANSWER.size)


@asynccontextmanager
async def _asked(host: str, port: int, request: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """Connect and send *request*; what comes back is read from the reader."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        yield reader
    finally:
        writer.close()
