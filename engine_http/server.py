"""The HTTP server: routes, start and orderly stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading

from aiohttp import web

from engine_http import log
from engine_http.engine.engine import Engine
from engine_http.handler import Handler

_MAX_URL_BYTES = 1 << 20  # http_max_uri_size of a server
_DRAIN_SECONDS = 20.0
_GIVE_UP_SECONDS = 45.0
_NO_HANDLER = "There is no handle {path}\n\nUse / or /ping for health checks.\n"


def application(handler: Handler) -> web.Application:
    """Route the paths a ClickHouse server has."""
    app = web.Application()
    for path in ("/", "/query"):
        app.router.add_route("GET", path, handler.handle)
        app.router.add_route("POST", path, handler.handle)
        app.router.add_route("HEAD", path, _ok)
        app.router.add_route("OPTIONS", path, _options)
    for path in ("/ping", "/replicas_status"):
        app.router.add_get(path, _ok)
    app.router.add_route("*", "/{path:.*}", _unknown)
    return app


async def _ok(_request: web.Request) -> web.Response:
    return web.Response(text="Ok.\n")


async def _options(_request: web.Request) -> web.Response:
    """Name the allowed methods; no page of another origin gets access."""
    return web.Response(status=204, headers={"Allow": "GET, HEAD, POST, OPTIONS"})


async def _unknown(request: web.Request) -> web.Response:
    return web.Response(status=404, text=_NO_HANDLER.format(path=request.path))


async def serve(engine: Engine, *, host: str, port: int) -> None:
    """Listen until SIGINT or SIGTERM, then finish the running inserts and close the engine.

    Raises OSError when the address cannot be listened on.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    handler = Handler(engine)
    runner = web.AppRunner(
        application(handler),
        access_log=None,
        auto_decompress=False,  # bodies are decompressed on a thread, not on the event loop
        handler_cancellation=True,  # a SELECT is stopped when its client leaves
        shutdown_timeout=_DRAIN_SECONDS,
        max_line_size=_MAX_URL_BYTES,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0][1]
        log.line("listening", host=host, port=bound, engine=engine.version)
        print(f"ready http://{host}:{bound}", flush=True)  # noqa: T201 -- the contract with `up`
        housekeeping = asyncio.create_task(handler.housekeeping())
        await stop.wait()
        log.line("stopping")
        watchdog = threading.Timer(_GIVE_UP_SECONDS, _give_up)
        watchdog.daemon = True
        watchdog.start()
        housekeeping.cancel()
        await asyncio.wait([housekeeping])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await handler.stop_reads()
    finally:
        await runner.cleanup()
        await asyncio.to_thread(handler.close)
        await asyncio.to_thread(engine.close)
    watchdog.cancel()
    log.line("stopped")


def _give_up() -> None:
    """End at once, as a statement did not end: what was not acknowledged is not promised."""
    log.line("gave up waiting", level="error")
    os._exit(1)
