"""The command `up`: starts everything on one machine, prints one `ready` line, stops it again."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from pathlib import Path

from railhead.cli.command_error import CommandError
from railhead.cli.option_types import option_type, port, positive
from railhead.paths import default_data_dir
from railhead.stack.settings import (
    ALL_PARTS,
    CLICKHOUSE,
    INGEST_API,
    KAFKA,
    LOOPBACK,
    StackError,
    StackSettings,
    parse_parts,
)
from railhead.stack.stack import Stack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on *parser*."""
    add = parser.add_argument
    add(
        "--data-dir",
        type=Path,
        default=default_data_dir(),
        help="where all state is kept; the next start goes on from it (default: %(default)s)",
    )
    add("--http-host", default=LOOPBACK, help="where the ingest API listens (default: %(default)s)")
    add(
        "--http-port",
        type=port,
        default=8080,
        help="the ingest API's port; 0 is any free one, here and below (default: %(default)s)",
    )
    add("--kafka-port", type=port, default=9092, help="on loopback (default: %(default)s)")
    add("--clickhouse-port", type=port, default=8123, help="on loopback (default: %(default)s)")
    add("--workers", type=positive, default=1, help="Faust workers (default: %(default)s)")
    add(
        "--doors",
        dest="apis",
        metavar="N",
        type=positive,
        default=1,
        help="ingest APIs, all on one port (default: %(default)s)",
    )
    add(
        "--partitions",
        type=positive,
        help="partitions of each topic, chosen once (default: what the topics have; new ones get "
        "one for each worker, as each needs an insert of its own every time a worker stores)",
    )
    add(
        "--parts",
        type=option_type(parse_parts),
        default=ALL_PARTS,
        metavar="PART,...",
        help=f"start only these of {', '.join(ALL_PARTS)}; others are expected on the same ports",
    )
    add(
        "--fsync",
        action="store_true",
        help="Kafka forces each write to the disk before it acknowledges: survives a power cut",
    )


def run(args: argparse.Namespace) -> int:
    """Run the stack until SIGINT or SIGTERM; a second signal kills instead of waiting."""
    try:
        settings = StackSettings(
            **{name: value for name, value in vars(args).items() if name != "command"}
        )
        return asyncio.run(_run(settings))
    except StackError as exc:
        raise CommandError(str(exc)) from None


async def _run(settings: StackSettings) -> int:
    stack, asked_to_stop = Stack(settings, on_progress=_show), asyncio.Event()

    def stop() -> None:
        if asked_to_stop.is_set():
            stack.kill_now()
        else:
            _show("stopping; once more to kill")
        asked_to_stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    if await _start(stack, asked_to_stop):
        _show(ready_line(stack.settings))
        await asked_to_stop.wait()
        await stack.stop()
    _show("stopped")
    return 0


async def _start(stack: Stack, asked_to_stop: asyncio.Event) -> bool:
    """Start *stack* unless asked to stop meanwhile; says whether it runs."""
    starting = asyncio.ensure_future(stack.start())
    asked = asyncio.ensure_future(asked_to_stop.wait())
    await asyncio.wait((starting, asked), return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not starting.done():
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        return False
    await starting
    return True


def ready_line(settings: StackSettings) -> str:
    """The one line that says that all of it can take traffic, and where."""
    addresses = (
        (INGEST_API, settings.http_url),
        (KAFKA, f"kafka://{settings.kafka_bootstrap}"),
        (CLICKHOUSE, f"{settings.clickhouse_url} (ClickHouse)"),
    )
    here = [address for part, address in addresses if settings.has(part)]
    return f"ready {', '.join(here) or 'without an address of its own'}"


def _show(line: str) -> None:
    # The reader of the progress may be gone (`railhead up | head`); the stack goes on.
    with contextlib.suppress(BrokenPipeError):
        print(line, flush=True)
