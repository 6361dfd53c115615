"""`railhead sql`: run a query and print a table."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any, Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as DriverError
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from railhead.cli.command_error import CommandError
from railhead.cli.finding import add_finding_options, open_clickhouse
from railhead.dead_letters.plain_text import printable_lines, visible
from railhead.stack.addresses import CLICKHOUSE_ENDPOINT
from railhead.waiting import waiting_for
from sinks.connection import own_words

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
NUMBER_TYPE: Final = re.compile(r"(Nullable\()?(U?Int|Decimal|Float)")
READS: Final = ("SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "FROM", "(")
COMMENT: Final = re.compile(r"\s*(--[^\n]*(\n|$)|/\*.*?\*/)", re.DOTALL)
OWN_FORMAT: Final = re.compile(r"\bFORMAT\s+\w+$", re.IGNORECASE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on *parser*."""
    parser.add_argument("query", nargs="?", help="the query; without it, standard input is read")
    parser.add_argument("--format", choices=sorted(FORMATS), default="table", help="how to print")
    parser.add_argument(
        "--json", dest="format", action="store_const", const="json", help="as --format json"
    )
    parser.add_argument("--user", help="such as analyst (RAILHEAD_CLICKHOUSE_USER)")
    add_finding_options(parser, CLICKHOUSE_ENDPOINT, url=CLICKHOUSE_ENDPOINT)


def run(args: argparse.Namespace) -> int:
    """Print the query's result; what ClickHouse does not accept goes to standard error."""
    try:
        query = (args.query or sys.stdin.read()).strip().rstrip(";").rstrip()
        query.encode()
    except UnicodeError:
        text = "the query is not text in UTF-8; write other bytes as unhex('ff')"
        raise CommandError(text, code=2) from None
    if not query:
        raise CommandError("no query given, neither as argument nor on standard input", code=2)
    with open_clickhouse(args, "query", code=1, user=args.user) as (client, address):
        try:
            with waiting_for(address):
                _answer(client, query, args.format)
        except DriverError as error:
            if error.code is None:
                raise
            raise CommandError(own_words(str(error))) from None
    return 0


def _answer(client: Client, query: str, chosen: str) -> None:
    if not reads(query):
        print(printable_lines(str(client.command(query))))
        return
    own = OWN_FORMAT.search(query) is not None
    body = client.raw_query(query, settings=OUTPUT_SETTINGS, fmt=None if own else FORMATS[chosen])
    if own or chosen != "table":
        _write(body)
        return
    # Only a line feed ends a row: text may hold other line ends of Unicode's.
    lines = body.decode("utf-8", "surrogateescape").split("\n")[:-1]
    show([json.loads(line) for line in lines], Console())


def _write(body: bytes) -> None:
    """Write a result in a format of its own: its very bytes, made harmless on a terminal."""
    if sys.stdout.isatty():
        sys.stdout.write(printable_lines(body.decode("utf-8", "surrogateescape")))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(body)


def reads(query: str) -> bool:
    """Whether the query gives rows; comments may stand before its first word."""
    at = 0
    while comment := COMMENT.match(query, at):
        at = comment.end()
    return query[at:].lstrip().upper().startswith(READS)


def show(lines: list[list[Any]], console: Console) -> None:
    """Print names, types and rows, as ClickHouse gave them.

    What is wider than the terminal is printed one value a line; a pipe has no width.
    """
    table = as_table(lines)
    wanted = console.measure(table, options=console.options.update_width(1 << 16)).maximum
    if console.is_terminal and wanted > console.width:
        table = as_records(lines)
    else:
        console.width = max(wanted, console.width)
    console.print(table)
    count = len(lines) - 2
    console.print(f"{count} row{'' if count == 1 else 's'}", highlight=False)


def as_table(lines: list[list[Any]]) -> Table:
    """One line a row; numbers stand to the right."""
    names, types, *rows = lines
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, kind in zip(names, types, strict=True):
        table.add_column(_text(name), justify="right" if NUMBER_TYPE.match(kind) else "left")
    for row in rows:
        table.add_row(*map(_text, row))
    return table


def as_records(lines: list[list[Any]]) -> Table:
    """One line a value, a rule between rows."""
    names, _, *rows = lines
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        for name, value in zip(names, row, strict=True):
            table.add_row(_text(name), _text(value), end_section=name is names[-1])
    return table


def _text(value: str | None) -> Text:
    """The value as text, not markup, with everything that does not print escaped."""
    return Text("NULL" if value is None else visible(value))
