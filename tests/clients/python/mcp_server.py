"""mcp-clickhouse as an assistant starts it: by stdio, with the settings that its README asks for."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from checks import AMOUNT, PORT, USER, check, true
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

ENVIRONMENT = {
    **os.environ,
    "CLICKHOUSE_HOST": "127.0.0.1",
    "CLICKHOUSE_PORT": str(PORT),
    "CLICKHOUSE_USER": USER,
    "CLICKHOUSE_PASSWORD": "",
    "CLICKHOUSE_SECURE": "false",
}


def ask(work: Callable[[Any], Awaitable[Any]]) -> Any:
    """What *work* finds with the server running."""

    async def run() -> Any:
        transport = StdioTransport(
            sys.executable, ["-m", "mcp_clickhouse.main"], env=ENVIRONMENT, keep_alive=False
        )
        async with Client(transport, timeout=60) as client:
            return await work(client)

    return asyncio.run(run())


async def text(client: Any, tool: str, **arguments: Any) -> str:
    """The text that a tool answers."""
    result = await client.call_tool(tool, arguments)
    return "".join(part.text for part in result.content)


async def query_tool(client: Any) -> str:
    """The name of the tool that runs a statement; it changed between versions."""
    names = {one.name for one in await client.list_tools()}
    return next(name for name in ("run_query", "run_select_query") if name in names)


@check("the server starts and lists its tools")
def _() -> None:
    async def work(client: Any) -> list[str]:
        return [one.name for one in await client.list_tools()]

    true({"list_databases", "list_tables"} <= set(ask(work)))


@check("databases")
def _() -> None:
    true("fasttrack" in ask(lambda client: text(client, "list_databases")))


@check("views with their columns and comments")
def _() -> None:
    found = ask(lambda client: text(client, "list_tables", database="fasttrack"))
    true("ggr_daily" in found and "comment" in found)


@check("a statement, with exact amounts")
def _() -> None:
    async def work(client: Any) -> str:
        sql = "SELECT toString(amount) AS amount FROM fasttrack.casino LIMIT 1"
        return await text(client, await query_tool(client), query=sql)

    true(AMOUNT in ask(work))


@check("every view")
def _() -> None:
    async def work(client: Any) -> None:
        tool = await query_tool(client)
        names = json.loads(await text(client, tool, query="SHOW TABLES FROM fasttrack"))["rows"]
        true(len(names) >= 17)
        for (name,) in names:
            answer = await text(client, tool, query=f"SELECT * FROM fasttrack.{name} LIMIT 5")
            true(len(json.loads(answer)["rows"]) > 0)

    ask(work)


@check("an error reaches the assistant")
def _() -> None:
    async def work(client: Any) -> str:
        try:
            return await text(client, await query_tool(client), query="SELECT * FROM fasttrack.no")
        except Exception as error:  # noqa: BLE001 - either way it reaches it
            return str(error)

    true("UNKNOWN_TABLE" in ask(work))


@check("it does not write unless it is allowed to")
def _() -> None:
    async def work(client: Any) -> str:
        try:
            sql = "CREATE TABLE default.mcp_client (a UInt8) ORDER BY a"
            return await text(client, await query_tool(client), query=sql)
        except Exception as error:  # noqa: BLE001 - a refusal is what is expected
            return f"refused: {error}"

    true(any(word in ask(work) for word in ("refused", "READONLY", "ACCESS_DENIED")))
