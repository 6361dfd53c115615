"""`railhead sql`: run a query and print a table."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any, Final

from clickhouse_connect.driver import create_client
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as DriverError
from clickhouse_connect.driver.exceptions import scrub_error_details
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sinks.connection import NETWORK_ERRORS, client_arguments
from sinks.settings import StoreSettings

NAME = "sql"
HELP = "run a query and print a table"
# As text, every value reaches the terminal with all its digits.
FORMATS: Final = {
    "table": "JSONCompactStringsEachRowWithNamesAndTypes",
    "csv": "CSVWithNames",
    "json": "JSONEachRow",
}
OUTPUT_SETTINGS: Final = {
    "output_format_json_quote_decimals": 1,
    "output_format_json_quote_64bit_integers": 0,
}
NUMBER_TYPE: Final = re.compile(r"^(Nullable\()?(U?Int|Decimal|Float)")
READS: Final = ("SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "FROM", "(")
OWN_FORMAT: Final = re.compile(r"\bFORMAT\s+\w+$", re.IGNORECASE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on *parser*."""
    parser.add_argument("query", nargs="?", help="the query; without it, standard input is read")
    parser.add_argument("--format", choices=sorted(FORMATS), default="table", help="how to print")
    parser.add_argument("--user", help="such as analyst (RAILHEAD_CLICKHOUSE_USER)")
    parser.add_argument("--url", help="ClickHouse's HTTP interface (RAILHEAD_CLICKHOUSE_URL)")


def run(args: argparse.Namespace) -> int:
    """Print the query's result; what ClickHouse does not accept goes to standard error."""
    query = (args.query or sys.stdin.read()).strip().rstrip(";").rstrip()
    if not query:
        print(
            "railhead sql: no query given, neither as argument nor on standard input",
            file=sys.stderr,
        )
        return 2
    given = {"url": args.url, "user": args.user}
    settings = StoreSettings(**{name: value for name, value in given.items() if value})
    try:
        with create_client(**client_arguments(settings)) as client:
            _answer(client, query, args.format)
    except DriverError as error:
        print(f"railhead sql: {readable(str(error))}", file=sys.stderr)
        return 1
    except NETWORK_ERRORS as error:
        print(f"railhead sql: {settings.url} does not answer: {error}", file=sys.stderr)
        return 1
    return 0


def _answer(client: Client, query: str, chosen: str) -> None:
    if not query.upper().startswith(READS):
        print(client.command(query))
        return
    own = OWN_FORMAT.search(query) is not None
    body = client.raw_query(query, settings=OUTPUT_SETTINGS, fmt=None if own else FORMATS[chosen])
    if own or chosen != "table":
        sys.stdout.write(body.decode("utf-8", "replace"))
        return
    lines = [json.loads(line) for line in body.splitlines()]
    Console().print(as_table(lines))


def as_table(lines: list[list[Any]]) -> Table:
    """Names, types and rows, as ClickHouse gave them, to a table; numbers stand to the right."""
    names, types, *rows = lines
    table = Table(caption=f"{len(rows)} row{'' if len(rows) == 1 else 's'}", caption_justify="left")
    for name, kind in zip(names, types, strict=True):
        table.add_column(
            Text(name), justify="right" if NUMBER_TYPE.match(kind) else "left", overflow="fold"
        )
    for row in rows:
        # Text, not markup: a value like [red] is a value.
        table.add_row(*(Text("NULL" if value is None else str(value)) for value in row))
    return table


def readable(message: str) -> str:
    """ClickHouse's message without the driver's and the server's frame around it."""
    text = scrub_error_details(message)
    _, _, own = text.partition("DB::Exception: ")
    return (own or text).strip()
