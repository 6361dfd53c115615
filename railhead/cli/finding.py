"""The options with which every command finds the parts it talks to, and what becomes of them."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clickhouse_connect.driver import create_client
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as DriverError

from railhead.cli.command_error import CommandError
from railhead.paths import default_data_dir
from railhead.stack.addresses import CLICKHOUSE_ENDPOINT, Address, Endpoint, read_record, resolve
from railhead.waiting import waiting_for
from sinks.connection import NETWORK_ERRORS, check_answers, client_arguments, translate
from sinks.settings import StoreSettings, read_settings


def add_finding_options(
    parser: argparse.ArgumentParser, *endpoints: Endpoint, url: Endpoint | None = None
) -> None:
    """Declare `--data-dir` and an option for each of *endpoints*.

    *url* is what `--url` means here, a spelling that is no longer shown.
    """
    add_data_dir(parser)
    for endpoint in endpoints:
        metavar = "HOST:PORT" if endpoint.option == "--bootstrap" else "URL"
        variables = ", ".join(endpoint.variables)
        shown = f"address of {endpoint.name} ({variables}; else as --data-dir says)"
        parser.add_argument(endpoint.option, dest=endpoint.key, metavar=metavar, help=shown)
    if url is not None:
        parser.add_argument("--url", dest=url.key, help=argparse.SUPPRESS)


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Declare `--data-dir`, which means the same for all commands that use a running stack."""
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="D",
        help="the directory of `railhead up`, with the addresses of its parts and tenants.json "
        "(RAILHEAD_DATA_DIR; .railhead)",
    )


def find(endpoint: Endpoint, args: argparse.Namespace) -> Address:
    """Where *endpoint* is, by the options in *args*, the environment and the data directory."""
    record = read_record(args.data_dir or default_data_dir())
    option = getattr(args, endpoint.key, None)
    address = resolve(endpoint, option=option, environ=os.environ, record=record)
    if args.data_dir is not None and address.is_default:
        # Another stack may listen there: its answer must not be taken for that of this directory.
        print(f"note: {address}", file=sys.stderr)
    return address


def find_clickhouse(
    args: argparse.Namespace, *, code: int = 2, **given: Any
) -> tuple[Address, StoreSettings]:
    """Where ClickHouse is, and all settings of the connection.

    Raises:
        CommandError: a setting is wrong, with *code*; the message names each by its variable, never
            by its value.
    """
    address = find(CLICKHOUSE_ENDPOINT, args)
    try:
        return address, read_settings(url=address.value, **given)
    except ValueError as error:
        raise CommandError(f"{error} (the address is from {address.source})", code=code) from None


@contextlib.contextmanager
def open_clickhouse(
    args: argparse.Namespace, action: str, *, code: int = 2, **given: Any
) -> Iterator[tuple[Client, Address]]:
    """Find ClickHouse and connect, and say what is waited for if that takes long.

    The first answer must come soon, those to queries may take minutes.

    Raises:
        CommandError: a setting is wrong, with code 2, or *action* (the body) failed, with *code*.
    """
    address, settings = find_clickhouse(args, **given)
    try:
        with waiting_for(address):
            check_answers(settings)
            client = create_client(**client_arguments(settings))
        with client:
            yield client, address
    except (DriverError, *NETWORK_ERRORS) as error:
        raise CommandError(_why_not(action, error, address), code=code) from None


def _why_not(action: str, error: Exception, address: Address) -> str:
    """Why *action* failed: ClickHouse's answer, or that there was none at *address*."""
    if getattr(error, "code", None) is None:
        # The driver's own text repeats the address and a stack of causes.
        driver = isinstance(error, DriverError) or not str(error)
        late = "it took too long" if "timed out" in str(error) else type(error).__name__
        return address.no_answer(late if driver else str(error))
    return str(translate(action, error))
