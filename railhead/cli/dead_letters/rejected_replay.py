"""The command `rejected replay`: selects rejected items, sends them again, shows the progress."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from railhead.cli.finding import find
from railhead.cli.option_types import option_type
from railhead.dead_letters.archive import Archive, Replayed
from railhead.dead_letters.dead_letter import DeadLetterId, DeadLetterSelection, parse_id
from railhead.dead_letters.plain_text import visible
from railhead.dead_letters.replay.by_api import ByApi
from railhead.dead_letters.replay.by_kafka import ByKafka
from railhead.dead_letters.replay.corrections import parse_mend
from railhead.dead_letters.replay.items import CannotSendError, item_of
from railhead.dead_letters.replay.owner import OwnerError, check_key, one_tenant
from railhead.dead_letters.replay.pace import Pace
from railhead.dead_letters.replay.replay import Replay, ReplayPlan
from railhead.dead_letters.replay.ways import ReplayStoppedError, Way
from railhead.paths import tenants_file
from railhead.stack.addresses import API_ENDPOINT, KAFKA_ENDPOINT, Address
from railhead.tables import output_console
from railhead.waiting import each_waiting_for
from tenants.id_rules import rules_if_there
from tenants.tenants_file import read_tenants

HELP = "send rejected items of one tenant again, those first that were received first"
PREVIEWED: Final = 3
FAILURES_SHOWN: Final = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what only a replay needs."""
    parser.description = (
        "Send rejected items of one tenant again, oldest first, leaving out those sent before. "
        "Each is checked first: what would be rejected again is not sent, with the new reason. "
        "Sending twice is harmless, as ids decide. Exit code 1 if any was rejected again."
    )
    add = parser.add_argument
    add("ids", nargs="*", metavar="ID", help="only these, whatever the filters say")
    add("--as-tenant", default="", metavar="NAME", help="send items that named no tenant as NAME's")
    add("--limit", type=int, default=1_000_000, metavar="N", help="at most N items")
    add("--via", choices=("door", "kafka"), default="door", help="(%(default)s)")
    add("--key-file", type=Path, metavar="FILE", help="the tenant's key (or set RAILHEAD_KEY)")
    add("--trust-key", action="store_true", help="do not check here that the key is the tenant's")
    add("--dry-run", action="store_true", help="check the items, send and record nothing")
    add("--rate", type=_rate, metavar="N", help="at most N items a second")
    add("--again", action="store_true", help="also those that were sent before")
    add(
        "--set",
        dest="mends",
        action="append",
        type=option_type(parse_mend),
        default=[],
        metavar="FIELD=VALUE",
        help="set a field before sending, such as data.currency=EUR; may be given several times",
    )
    add("--yes", action="store_true", help="with --set: do not ask after the preview")
    add("--json", action="store_true", help="print one JSON object")


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate < 1_000_000:
        raise argparse.ArgumentTypeError("give a number above 0")
    return rate


def run(args: argparse.Namespace, archive: Archive, selection: DeadLetterSelection) -> int:
    """Replay; 0 when every item meant was sent (or would be), 1 when some were not, 2 on misuse."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    name = f"replay-{secrets.token_hex(6)}"
    try:
        ids = _ids(args, archive, selection)
        tenant = one_tenant(archive, ids, named=selection.tenant, adopted_by=args.as_tenant)
        address = find(KAFKA_ENDPOINT if args.via == "kafka" else API_ENDPOINT, args)
        way = _way(args, tenant, name, address)
    except (OwnerError, ValueError, OSError) as error:
        errors.print(f"railhead rejected replay: {error}", markup=False)
        return 2
    try:
        if not ids:
            errors.print("no rejected items to send")
            return 0
        if args.mends and not _agreed(args, archive, ids, errors):
            return 2
        plan = ReplayPlan(name=name, mends=tuple(args.mends), dry_run=args.dry_run)
        replay = Replay(way, archive, plan, Pace(args.rate))
        return _replay(replay, ids, address, errors, as_json=args.json)
    finally:
        way.close()


def _ids(
    args: argparse.Namespace, archive: Archive, selection: DeadLetterSelection
) -> list[DeadLetterId]:
    if args.ids:
        found = (archive.resolve(parse_id(text)) for text in args.ids)
        return [one for one in found if one is not None]
    if not selection.tenant:
        raise OwnerError("say whose items: --tenant NAME")
    return archive.oldest(selection, args.limit, again=args.again)


def _way(args: argparse.Namespace, tenant: str, name: str, address: Address) -> Way:
    path = tenants_file(args.data_dir)
    if args.via == "kafka":
        known = read_tenants(path).tenants.get(tenant)
        return ByKafka(
            address.value,
            tenant=tenant,
            request_id=name,
            rules=rules_if_there(path),
            coerce_ids=known is not None and known.coerce_ids,
        )
    key = args.key_file.read_text().strip() if args.key_file else os.environ.get("RAILHEAD_KEY", "")
    if not key:
        raise OwnerError("no key: give --key-file, or set RAILHEAD_KEY")
    if not args.trust_key:
        check_key(key, tenant, path)
    return ByApi(address.value, key)


def _agreed(
    args: argparse.Namespace, archive: Archive, ids: list[DeadLetterId], errors: Console
) -> bool:
    """Show what the first items become, and ask unless --yes is given."""
    for dead_letter in archive.dead_letters(ids[:PREVIEWED]):
        try:
            before, after = item_of(dead_letter).raw, item_of(dead_letter, tuple(args.mends)).raw
        except CannotSendError as error:
            errors.print(Text(f"{dead_letter.id}: {visible(str(error))}"))
            continue
        errors.print(Text(f"{dead_letter.id}:"))
        errors.print(Text(f"  - {visible(before.decode('utf-8', 'replace'))}", "red"))
        errors.print(Text(f"  + {visible(after.decode('utf-8', 'replace'))}", "green"))
    if args.dry_run or args.yes:
        return True
    if not sys.stdin.isatty():
        errors.print("nothing sent: give --yes if this is right")
        return False
    question = f"send {len(ids):,} items like this? [y/N] "
    return errors.input(question).strip().lower() in {"y", "yes"}


def _replay(
    replay: Replay, ids: list[DeadLetterId], address: Address, errors: Console, *, as_json: bool
) -> int:
    failures: list[Replayed] = []
    why = ""
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        bar = progress.add_task("replay", total=len(ids))
        try:
            for one in each_waiting_for(address, replay.run(replay.archive.dead_letters(ids))):
                progress.advance(bar)
                if one.outcome == "refused":
                    failures.append(one)
        except ReplayStoppedError as error:
            why = f"{error}; it was sent to {address}"
        except KeyboardInterrupt:
            why = "interrupted"
    if as_json:
        print(json.dumps(_as_document(replay, len(ids), failures, why), indent=1))
        return 1 if why or failures else 0
    _print_failures(failures)
    _print_summary(replay, len(ids), why, errors.print)
    return 1 if why or failures else 0


def _as_document(replay: Replay, meant: int, failures: list[Replayed], why: str) -> dict[str, Any]:
    counts = replay.counts
    return {
        "replay": replay.plan.name,
        "dry_run": replay.plan.dry_run,
        "meant": meant,
        "sent": counts.sent,
        "rejected": [
            {
                "id": str(one.dead_letter.id),
                "reason": one.reason,
                "field": one.field,
                "message": one.message,
            }
            for one in failures
        ],
        "stopped": why or None,
    }


def _print_failures(failures: list[Replayed]) -> None:
    if not failures:
        return
    table = Table("id", title="rejected again", title_justify="left")
    for name in ("reason\nfield", "message"):
        table.add_column(name, overflow="fold")
    for one in failures[:FAILURES_SHOWN]:
        where = f"{visible(one.reason)}\n{visible(one.field)}".rstrip()
        table.add_row(str(one.dead_letter.id), Text(where), Text(visible(one.message)))
    if len(failures) > FAILURES_SHOWN:
        table.caption = f"and {len(failures) - FAILURES_SHOWN:,} more"
    output_console().print(table)


def _print_summary(replay: Replay, meant: int, why: str, report: Callable[..., None]) -> None:
    counts = replay.counts
    verb = "would be sent" if replay.plan.dry_run else "sent"
    reported = f"{counts.sent:,} {verb}, {counts.refused:,} rejected again, of {meant:,}"
    report(reported if replay.plan.dry_run else f"{reported}; {replay.plan.name}", markup=False)
    if why:
        report(
            f"stopped: {why}; what was sent is recorded; run the same command to go on",
            markup=False,
        )
