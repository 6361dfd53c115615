"""Runs a worker process: starts the store and Faust, serves health, stops in bounded time."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import Any, NoReturn

import uvloop

from sinks.errors import Retryable, SinkError
from sinks.settings import StoreSettings
from sinks.store import Store
from streams.app import Stream
from streams.faust.crash import FATAL_EXIT
from streams.observe import Observer
from streams.settings import WorkerSettings
from tenants.tenants_file import TenantsFileError

logger = logging.getLogger(__name__)


def run_worker(settings: WorkerSettings, store_settings: StoreSettings) -> NoReturn:
    """Run until SIGINT or SIGTERM (exit code 0) or until Faust gives up (FATAL_EXIT).

    What was taken and not yet stored is not acknowledged and comes again; the stop waits for
    current inserts at most `shutdown_seconds`.
    """
    uvloop.run(_main(settings, store_settings))


async def _main(settings: WorkerSettings, store_settings: StoreSettings) -> NoReturn:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    store = Store(store_settings)
    await connect_if_there(store)
    try:
        stream = Stream(settings, store)
    except TenantsFileError as error:
        logger.critical("%s The worker does not start.", error)
        sys.exit(FATAL_EXIT)
    if settings.tenants_file is None and settings.reject_unknown_tenants:
        logger.critical("RAILHEAD_REJECT_UNKNOWN_TENANTS needs RAILHEAD_TENANTS_FILE.")
        sys.exit(FATAL_EXIT)
    if settings.tenants_file is None:
        logger.warning("RAILHEAD_TENANTS_FILE is not set: all ids are made by the contract's rule.")
    observer = Observer(stream)
    await observer.start()
    mending = asyncio.create_task(stream.mending.run())
    started = asyncio.create_task(stream.app.start())
    crashed = asyncio.create_task(_crashed(stream))
    ends: set[asyncio.Future[Any]] = {
        asyncio.create_task(stop.wait()),
        crashed,
        _failure(started),
    }
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    mending.cancel()
    code = 0 if stop.is_set() else FATAL_EXIT
    # Faust may hang while stopping (pitfalls.md#b6): past the bound the process ends regardless.
    loop.call_later(settings.shutdown_seconds, os._exit, code)
    await _stop(stream, store, observer, settings.shutdown_seconds / 2)
    # The group has been left; Python's own exit would wait for the consumer's thread, which Faust
    # may leave running with its membership (pitfalls.md#b6).
    logging.shutdown()
    os._exit(code)


async def connect_if_there(store: Store) -> None:
    """Connect if the store can be reached; what is taken before that is held.

    Ends the process where waiting would not help, as with a wrong password.
    """
    try:
        await store.connect()
    except Retryable as error:
        logger.warning("%s. Records are held until there is one.", error)
    except SinkError as error:
        logger.critical("%s", error)
        sys.exit(FATAL_EXIT)


async def _stop(stream: Stream, store: Store, observer: Observer, drain_seconds: float) -> None:
    """Store what was taken, leave the group, close; each step even if the one before failed."""
    for step in (
        stream.partition_writers.finish(drain_seconds),
        stream.app.stop(),
        store.close(),
        observer.stop(),
    ):
        try:
            await step
        except Exception as error:  # noqa: BLE001 - the process ends; what is not done is delivered again
            logger.warning("While stopping: %r", error)


async def _crashed(stream: Stream) -> None:
    """Return when Faust has crashed: it would go on half broken."""
    app = stream.app
    while not (app.crashed or app._crash_reason):  # noqa: ASYNC110, SLF001 - no event tells it
        await asyncio.sleep(0.25)
    logger.critical("Faust crashed: %r; the process ends.", app._crash_reason)  # noqa: SLF001


def _failure(started: asyncio.Task[None]) -> asyncio.Future[None]:
    """A future that is done when *started* has failed; a successful start does not end it."""
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def note(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None and not failed.done():
            logger.critical("The worker did not start.", exc_info=task.exception())
            failed.set_result(None)

    started.add_done_callback(note)
    return failed
