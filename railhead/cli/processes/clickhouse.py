"""The command `clickhouse`: runs the embedded engine behind its HTTP interface."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from railhead.cli.command_error import CommandError

_DEFAULT_MEMORY_MIB = 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--data-dir", type=Path, required=True, help="where the tables are kept")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=8123, help="port to listen on, 0 for any (%(default)s)"
    )
    parser.add_argument(
        "--memory-limit-mib",
        type=int,
        default=_DEFAULT_MEMORY_MIB,
        help="memory the engine may use, in MiB (%(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM: 0 after a clean stop, 1 when it cannot start."""
    # Imported here so that `railhead --help` does not load the engine.
    import uvloop  # noqa: PLC0415

    from engine_http.engine.config import EngineSettings  # noqa: PLC0415
    from engine_http.engine.engine import Engine  # noqa: PLC0415
    from engine_http.server import serve  # noqa: PLC0415

    settings = EngineSettings(
        data_dir=args.data_dir.resolve(),
        memory_limit_bytes=args.memory_limit_mib << 20,
        cores=os.cpu_count() or 1,
    )
    try:
        engine = Engine(settings)
        uvloop.run(serve(engine, host=args.host, port=args.port))
    except (RuntimeError, ValueError, OSError) as error:
        raise CommandError(str(error)) from None
    return 0
