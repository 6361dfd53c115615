"""`railhead clickhouse`: run ClickHouse's engine behind its HTTP interface."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from railhead.clickhouse.config import EngineSettings
from railhead.clickhouse.engine import DirectoryInUseError, Engine
from railhead.clickhouse.server import serve

HELP = "run ClickHouse's engine behind its HTTP interface on loopback"
NAME = "clickhouse"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--data-dir", type=Path, required=True, help="where tables are kept")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument(
        "--port", type=int, default=8123, help="port to listen on; 0 takes a free one"
    )
    parser.add_argument(
        "--memory-limit-mib", type=int, default=4096, help="memory of the engine, MiB"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    settings = EngineSettings(
        args.data_dir.resolve(), args.memory_limit_mib << 20, os.cpu_count() or 1
    )
    try:
        engine = Engine(settings)
    except DirectoryInUseError as error:
        print(f"railhead clickhouse: {error}", file=sys.stderr)
        return 1
    asyncio.run(_main(engine, args))
    return 0


async def _main(engine: Engine, args: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(engine, host=args.host, port=args.port, stop=stop)
