"""`railhead migrate`: create or upgrade tables and views in ClickHouse."""

from __future__ import annotations

import argparse

from railhead.cli.command_error import CommandError
from railhead.cli.finding import add_finding_options, find_clickhouse
from railhead.stack.addresses import CLICKHOUSE_ENDPOINT
from railhead.waiting import waiting_for
from sinks.errors import Retryable, SinkError
from sinks.migrate import MigrationError, migrate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on *parser*."""
    add_finding_options(parser, CLICKHOUSE_ENDPOINT, url=CLICKHOUSE_ENDPOINT)


def run(args: argparse.Namespace) -> int:
    """Migrate and print each step; running it again only replaces the views."""
    try:
        address, settings = find_clickhouse(args, code=1)
        with waiting_for(address):
            migrate(settings, report=print)
    except Retryable as error:
        message = str(error) if error.code is not None else address.no_answer(str(error))
        raise CommandError(message) from None
    except (MigrationError, SinkError, OSError, ValueError) as error:
        raise CommandError(str(error)) from None
    return 0
