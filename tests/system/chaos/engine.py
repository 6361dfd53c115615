"""Reads rows of a query from the engine over plain HTTP, line by line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp


async def rows(url: str, query: str) -> AsyncIterator[list[Any]]:
    """Yield the rows of *query*; numbers of 64 bits come as text."""
    timeout = aiohttp.ClientTimeout(total=300)
    body = f"{query} FORMAT JSONCompactEachRow"
    async with (
        aiohttp.ClientSession(timeout=timeout, read_bufsize=1 << 20) as session,
        session.post(url, data=body.encode()) as answer,
    ):
        if answer.status != 200:
            raise AssertionError(f"{query}: {await answer.text()}")
        async for line in answer.content:
            yield json.loads(line)


async def value(url: str, query: str) -> Any:
    """The first value of the first row."""
    async for row in rows(url, query):
        return row[0]
    return None
