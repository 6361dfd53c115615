"""The life of an ingest API process: start, serve, drain on SIGTERM or SIGINT, stop, all bounded.

Draining: the listening socket closes; clients with an open connection may still send for a moment
and get `Connection: close`; requests in flight end; the producer stops last.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from events.contract.registry import TOPICS
from ingest_http.api import IngestApi
from ingest_http.http.connections import Server
from ingest_http.http.routes import (
    METRICS_ROUTES,
    OWN_PORT_ROUTES,
    PUBLIC_ROUTES,
    Routes,
    handler_of,
)
from ingest_http.keyring import Keyring
from ingest_http.publish.kafka_connection import KafkaLink
from ingest_http.publish.kafka_publisher import KafkaOptions, KafkaPublisher
from ingest_http.settings import ApiSettings

log = logging.getLogger(__name__)

BACKLOG: Final = 1024


class ApiBrokenError(Exception):
    """The process cannot go on and must be restarted."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the ingest API listens; `metrics` is None if its metrics are on `http`."""

    http: int
    metrics: int | None


async def serve(settings: ApiSettings) -> None:
    """Run the ingest API until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running_api(settings, on_failure=stop.set) as api:
        async with listening(api):
            log.info("listening", extra=settings.shown())
            await stop.wait()
            log.info("draining")
        log.info("drained")


@contextlib.asynccontextmanager
async def running_api(
    settings: ApiSettings, *, on_failure: Callable[[], None]
) -> AsyncIterator[IngestApi]:
    """An ingest API with its keys and its producer, not listening yet.

    If one of its background tasks ends, *on_failure* is called; its error is raised at the end, so
    that the process ends with it and is restarted.
    """
    keyring = Keyring(settings.tenants_file)
    link = KafkaLink(
        settings.kafka_bootstrap, TOPICS, timeout_seconds=settings.kafka_timeout_seconds
    )
    options = KafkaOptions(
        batch_bytes=settings.kafka_batch_bytes,
        compression=settings.kafka_compression,
        timeout_seconds=settings.kafka_timeout_seconds,
    )
    api = IngestApi(settings, keyring, KafkaPublisher(link, options))
    api.metrics.producers_replaced.set_function(lambda: link.replaced)
    tasks = [
        asyncio.create_task(link.run()),
        asyncio.create_task(keyring.keep_fresh(settings.tenants_poll_seconds)),
        asyncio.create_task(_watch_loop(api)),
    ]
    for task in tasks:
        task.add_done_callback(lambda _: on_failure())
    try:
        yield api
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if not isinstance(end, asyncio.CancelledError):
            raise ApiBrokenError(f"a background task ended: {end!r}")


@contextlib.asynccontextmanager
async def listening(api: IngestApi) -> AsyncIterator[Ports]:
    """Accept requests for *api*; drains it at the end."""
    settings = api.settings
    async with contextlib.AsyncExitStack() as stack:
        own = None
        if settings.metrics_port is not None:
            # Entered first, so left last: metrics can be read while the API drains.
            own = await stack.enter_async_context(
                _site(api, OWN_PORT_ROUTES, settings.metrics_host, settings.metrics_port)
            )
        public = PUBLIC_ROUTES if own is not None else {**PUBLIC_ROUTES, **METRICS_ROUTES}
        site = _site(api, public, settings.http_host, settings.http_port)
        yield Ports(await stack.enter_async_context(site), own)
        api.draining = True


@contextlib.asynccontextmanager
async def _site(api: IngestApi, routes: Routes, host: str, port: int) -> AsyncIterator[int]:
    settings = api.settings
    server = Server(
        handler_of(api, routes),
        max_connections=settings.max_connections,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=settings.keepalive_seconds,
        lingering_time=0,  # `ingest_http.http.lingering` does it, with bounds
    )
    runner = web.ServerRunner(server, shutdown_timeout=settings.drain_seconds)
    await runner.setup()
    # Several processes may listen on one port; the kernel spreads the connections.
    site = web.TCPSite(runner, host, port, backlog=BACKLOG, reuse_port=True)
    await site.start()
    try:
        yield site.port
    finally:
        await site.stop()
        await asyncio.sleep(settings.drain_grace_seconds)
        await runner.cleanup()


async def _watch_loop(api: IngestApi) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + 1.0
        await asyncio.sleep(1.0)
        api.metrics.loop_lag_seconds.set(max(0.0, loop.time() - due))
