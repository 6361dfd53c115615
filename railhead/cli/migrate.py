"""`railhead migrate`: create or upgrade tables and views in ClickHouse."""

from __future__ import annotations

import argparse
import sys

from sinks.errors import SinkError
from sinks.migrate import MigrationError, migrate
from sinks.settings import read_settings

NAME = "migrate"
HELP = "create or upgrade tables and views in ClickHouse"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on *parser*."""
    parser.add_argument("--url", help="ClickHouse's HTTP interface (RAILHEAD_CLICKHOUSE_URL)")


def run(args: argparse.Namespace) -> int:
    """Migrate and print each step; running it again only replaces the views."""
    try:
        migrate(read_settings(url=args.url), report=print)
    except (MigrationError, SinkError, OSError, ValueError) as error:
        print(f"railhead migrate: {error}", file=sys.stderr)
        return 1
    return 0
