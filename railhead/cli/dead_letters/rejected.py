"""The command `rejected`: list, show, export and replay rejected items."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from railhead.audit.moments import HOW_TO
from railhead.cli.dead_letters import rejected_replay
from railhead.cli.finding import add_finding_options, open_clickhouse
from railhead.cli.option_types import moment, option_type, positive
from railhead.dead_letters.archive import Archive
from railhead.dead_letters.dead_letter import (
    AmbiguousIdError,
    DeadLetterSelection,
    parse_id,
)
from railhead.dead_letters.export import WRITERS, as_row
from railhead.dead_letters.listing import RAW_SHOWN, as_table, as_table_of_items, print_dead_letter
from railhead.stack.addresses import API_ENDPOINT, CLICKHOUSE_ENDPOINT, KAFKA_ENDPOINT
from railhead.tables import output_console
from railhead.waiting import waiting_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the four actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    list_ = _action(actions, "list", "the newest rejected items as a table")
    _add_filters(list_)
    list_.add_argument("--limit", type=positive, default=50, metavar="N", help="(%(default)s)")
    list_.add_argument("--raw", action="store_true", help="the items themselves, not the reasons")
    list_.add_argument(
        "--distinct",
        action="store_true",
        help="one line for each distinct item (tenant, event, reason, field and bytes), with when "
        "it was first and last seen and how often, among what the filters let pass",
    )
    list_.add_argument(
        "--json", action="store_true", help="one JSON object a line, with the items themselves"
    )
    show = _action(actions, "show", "everything about one rejected item")
    show.add_argument(
        "id", type=option_type(parse_id), metavar="ID", help="as `rejected list` prints it"
    )
    how = show.add_mutually_exclusive_group()
    how.add_argument("--raw", action="store_true", help="only the item, byte by byte")
    how.add_argument("--json", action="store_true", help="print one JSON object")
    export = _action(actions, "export", "rejected items for other programs, oldest first")
    _add_filters(export)
    export.add_argument("--limit", type=positive, default=1_000_000, metavar="N")
    export.add_argument("--format", choices=sorted(WRITERS), default="ndjson", help="(%(default)s)")
    export.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    replay = _action(actions, "replay", rejected_replay.HELP)
    _add_filters(replay)
    rejected_replay.add_arguments(replay)
    for action in (list_, show, export):
        add_finding_options(action, CLICKHOUSE_ENDPOINT)
    add_finding_options(replay, CLICKHOUSE_ENDPOINT, API_ENDPOINT, KAFKA_ENDPOINT, url=API_ENDPOINT)


def _action(actions: Any, name: str, text: str) -> argparse.ArgumentParser:
    # argparse has no public name for the type of *actions*.
    action: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    return action


def _add_filters(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--tenant", default="", help="only this tenant's")
    add("--event", default="", metavar="NAME", help="only of this event, as it was sent")
    add("--reason", default="", metavar="CODE", help="only rejected for this reason")
    add("--field", default="", metavar="PATH", help="only with the fault in this field")
    add("--request-id", default="", metavar="ID", help="only of this request")
    add("--since", type=moment, metavar="WHEN", help=f"received from then on: {HOW_TO}")
    add("--until", type=moment, metavar="WHEN", help="received before")


def run(args: argparse.Namespace) -> int:
    """Do it; 1 if an item is missing or could not be sent, 2 if ClickHouse did not answer."""
    actions: dict[str, Callable[[argparse.Namespace, Archive], int]] = {
        "list": _list,
        "show": _show,
        "export": _export,
        "replay": lambda args, archive: rejected_replay.run(args, archive, _selection(args)),
    }
    with open_clickhouse(args, "read of rejected items") as (client, address):
        is_read = args.action in {"list", "show"}
        try:
            with waiting_for(address) if is_read else contextlib.nullcontext():
                return actions[args.action](args, Archive(client))
        except BrokenPipeError:
            # The reader (`| head`) has seen enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0


def _selection(args: argparse.Namespace) -> DeadLetterSelection:
    names = ("tenant", "event", "reason", "field", "request_id", "since", "until")
    return DeadLetterSelection(**{name: getattr(args, name) for name in names})


def _list(args: argparse.Namespace, archive: Archive) -> int:
    selection = _selection(args)
    occurrences = archive.distinct(selection, args.limit) if args.distinct else None
    ids = archive.newest(selection, args.limit) if occurrences is None else list(occurrences)
    if args.json:
        for one in archive.dead_letters(ids):
            print(json.dumps(as_row(one, occurrences[one.id] if occurrences else None)))
        return 0
    dead_letters = archive.dead_letters(ids, raw_bytes=RAW_SHOWN * 4 if args.raw else 0)
    if occurrences is None:
        count, what = archive.count(selection), "rejected item"
        table = as_table(dead_letters, with_raw=args.raw)
    else:
        count, what = archive.count_distinct(selection), "distinct rejected item"
        table = as_table_of_items(dead_letters, occurrences, with_raw=args.raw)
    _print_list(table, shown=len(ids), count=count, what=what)
    return 0


def _print_list(table: Table, *, shown: int, count: int, what: str) -> None:
    console = output_console()
    if shown:
        console.print(table)
    more = f", the newest {shown:,} are shown" if shown < count else ""
    console.print(Text(f"{count:,} {what}{'' if count == 1 else 's'}{more}"))


def _show(args: argparse.Namespace, archive: Archive) -> int:
    try:
        id_ = archive.resolve(args.id)
    except AmbiguousIdError as error:
        print(f"railhead rejected show: {error}", file=sys.stderr)
        return 1
    dead_letter = next(archive.dead_letters([id_] if id_ else []), None)
    if dead_letter is None:
        print(f"railhead rejected show: no rejected item {args.id}", file=sys.stderr)
        return 1
    if args.raw:
        sys.stdout.buffer.write(dead_letter.bytes)
        sys.stdout.buffer.flush()
        return 0
    occurrences, replays = archive.occurrences(dead_letter), archive.replays(dead_letter.id)
    if args.json:
        document = as_row(dead_letter, occurrences) | {"sent_again": replays}
        print(json.dumps(document, indent=1, default=datetime.isoformat))
        return 0
    console = Console(highlight=False, soft_wrap=True)
    print_dead_letter(console, dead_letter, occurrences, replays)
    return 0


def _export(args: argparse.Namespace, archive: Archive) -> int:
    ids = archive.oldest(_selection(args), args.limit, again=True)
    try:
        with _opened(args.output) as file:
            count = WRITERS[args.format](archive.dead_letters(ids), file)
    except FileExistsError:
        print(f"railhead rejected export: {args.output} is there already", file=sys.stderr)
        return 1
    print(f"{count:,} rejected items", file=sys.stderr)
    return 0


@contextlib.contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    """Standard output, or a new file that only its owner can read: it holds players' data."""
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
        yield file
