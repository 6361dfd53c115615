"""Prints records with the same id and different content side by side."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from events.contract.registry import BY_NAME
from railhead.audit.moments import HOW_TO, milliseconds
from railhead.cli.finding import add_finding_options, open_clickhouse
from railhead.cli.option_types import moment, positive
from railhead.dead_letters.conflicts import Conflict, Conflicts, ConflictSelection
from railhead.dead_letters.plain_text import visible
from railhead.stack.addresses import CLICKHOUSE_ENDPOINT
from railhead.tables import output_console
from railhead.waiting import waiting_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on *parser*."""
    parser.description = (
        "Show records that came again under the same id with other content, newest first, each "
        "beside the one that counted, with the fields that differ. Nothing is lost: the later "
        "record is kept whole in fasttrack.conflicts."
    )
    add = parser.add_argument
    add("--tenant", default="", help="only this tenant's")
    add("--event", default="", choices=[*BY_NAME], metavar="NAME", help="only of this event type")
    add("--id", default="", help="only of this idempotency id")
    add("--since", type=moment, metavar="WHEN", help=f"received from then on: {HOW_TO}")
    add("--limit", type=positive, default=20, metavar="N", help="(%(default)s)")
    add("--json", action="store_true", help="one JSON object a line")
    add_finding_options(parser, CLICKHOUSE_ENDPOINT)


def run(args: argparse.Namespace) -> int:
    """Print them; 2 if ClickHouse cannot be asked."""
    wanted = ConflictSelection(
        tenant=args.tenant,
        event=args.event,
        id=args.id,
        since_ms=milliseconds(args.since),
        limit=args.limit,
    )
    with open_clickhouse(args, "read of conflicts") as (client, address), waiting_for(address):
        found = Conflicts(client).newest(wanted)
    if args.json:
        for conflict in found:
            print(json.dumps(as_document(conflict)))
        return 0
    console = output_console()
    for conflict in found:
        _print(console, conflict)
    console.print(Text(f"{len(found):,} conflicts" if found else "no conflicts"))
    return 0


def as_document(conflict: Conflict) -> dict[str, Any]:
    """One conflict for programs: both coordinates, the differences, the later record whole."""
    later = conflict.later
    received_at = conflict.first_received_at
    return {
        "tenant": later.tenant,
        "event": later.event,
        "id": later.id,
        "first": {
            "partition": later.first_partition,
            "offset": later.first_offset,
            "incarnation": later.first_incarnation,
            "received_at": received_at.isoformat() if received_at else None,
            "fields": conflict.first,
        },
        "later": {
            "topic": later.topic,
            "partition": later.partition,
            "offset": later.offset,
            "incarnation": later.incarnation,
            "request_id": later.request_id,
            "received_at": later.received_at.isoformat(),
            "fields": conflict.content,
            "raw": later.raw,
        },
        "differences": [one._asdict() for one in conflict.differences],
    }


def _print(console: Console, conflict: Conflict) -> None:
    later = conflict.later
    console.print(Text(visible(f"{later.tenant}  {later.event}  {later.id}"), "bold"))
    table = Table("field", box=SIMPLE_HEAD)
    for name, coordinate in (
        ("counts", _coordinate(later.first_partition, later.first_offset)),
        ("came later", _coordinate(later.partition, later.offset)),
    ):
        table.add_column(Text(f"{name}\n{coordinate}"), overflow="fold")
    received_at = conflict.first_received_at
    rows = [
        ("received", f"{received_at:%F %T}" if received_at else "", f"{later.received_at:%F %T}"),
        *((one.field, _shown(one.first), _shown(one.later)) for one in conflict.differences),
    ]
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    console.print(table)
    if not conflict.differences:
        console.print(Text(f"  {_why_none(conflict)}"))


def _coordinate(partition: int, offset: int) -> str:
    return f"[{partition}] @ {offset}"


def _shown(value: str | None) -> str:
    return "(none)" if value is None else value


def _why_none(conflict: Conflict) -> str:
    if conflict.first is None:
        return "the row that counted is no longer there"
    if conflict.content is None:
        return f"the later record no longer conforms to the contract: {visible(conflict.later.raw)}"
    return (
        "no field of the contract differs from the row there now: it came through another partition"
    )
