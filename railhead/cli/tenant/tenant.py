"""Add and list tenants, rotate and revoke keys, change id rules; running parts follow."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from events.contract.id_rules import parse_id_rules
from railhead.cli.finding import add_data_dir, add_finding_options
from railhead.cli.option_types import option_type
from railhead.cli.tenant import change_id_fields
from railhead.paths import tenants_file
from railhead.stack.addresses import CLICKHOUSE_ENDPOINT
from railhead.tables import WIDTH, TableColumn, fitted
from tenants.changes import TenantChangeError, add_tenant, make_key, revoke, rotate
from tenants.tenants import IdRule, Tenant, TenantsFile
from tenants.tenants_file import TenantsFileError, change_tenants, read_tenants


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = _action(actions, "add", "create a tenant; prints its key, once, alone on standard output")
    add.add_argument("name")
    add.add_argument("--expires-in", type=_days, metavar="DAYS", help="default: never")
    add.add_argument(
        "--coerce-ids", action="store_true", help="accept numbers where the contract says string"
    )
    add.add_argument(
        "--create", action="store_true", help="make the tenants file if there is none yet"
    )
    add.add_argument(
        "--id-fields",
        action="append",
        type=option_type(_id_fields),
        default=[],
        metavar="EVENT=FIELD[,FIELD]",
        help="another idempotency id, for example realtime-payment=payment_id,status",
    )
    list_ = _action(actions, "list", "show tenants and the state of their keys; no secrets")
    list_.add_argument("--json", action="store_true", help="print a JSON array, one object a key")
    rotate_ = _action(actions, "rotate", "create another key; prints it, once, alone")
    rotate_.add_argument("name")
    rotate_.add_argument("--expires-in", type=_days, metavar="DAYS", help="default: never")
    rotate_.add_argument(
        "--grace",
        type=_hours,
        metavar="HOURS",
        default="24",
        help="older keys end after this time (24)",
    )
    id_fields = _action(
        actions,
        "id-fields",
        "change an idempotency id; says first what that does to stored rows",
    )
    id_fields.add_argument("name")
    id_fields.add_argument("fields", type=option_type(_id_fields), metavar="EVENT=FIELD[,FIELD]")
    id_fields.add_argument(
        "--yes", action="store_true", help="change it; without, only show the effect"
    )
    id_fields.add_argument(
        "--after",
        type=float,
        default=change_id_fields.BEGINS_AFTER_SECONDS,
        metavar="SECONDS",
        help="when it begins to apply: all workers must have the file by then (60)",
    )
    revoke_ = _action(actions, "revoke", "end a tenant's keys now")
    revoke_.add_argument("name")
    revoke_.add_argument("--key", metavar="PREFIX", help="only this one")


def run(args: argparse.Namespace) -> int:
    """Do it; 1 with the reason on standard error if it cannot be done."""
    actions: dict[str, Callable[[argparse.Namespace, Path], None]] = {
        "add": _add,
        "list": _list,
        "rotate": _rotate,
        "revoke": _revoke,
        "id-fields": change_id_fields.change,
    }
    try:
        path = tenants_file(args.data_dir)
        if not getattr(args, "create", False):
            _require(path)
        actions[args.action](args, path)
    except (TenantChangeError, TenantsFileError, OSError, ValueError) as error:
        print(f"railhead tenant {args.action}: {error}", file=sys.stderr)
        return 1
    return 0


def _require(path: Path) -> None:
    """A file made by accident would hold keys that no ingest API accepts."""
    if path.exists():
        return
    msg = (
        f"there is no tenants file {path.absolute()}. `railhead up` makes the one of its data "
        "directory: name that with --data-dir or RAILHEAD_DATA_DIR, or the file itself with "
        "RAILHEAD_TENANTS_FILE. To make a first one here: `railhead tenant add NAME --create`"
    )
    raise TenantChangeError(msg)


def _add(args: argparse.Namespace, path: Path) -> None:
    now = _now()
    shown = ""

    def change(file: TenantsFile, pepper: bytes) -> TenantsFile:
        nonlocal shown
        stored, shown = make_key(pepper, now=now, expires_in=args.expires_in)
        tenant = Tenant(
            created_at=now,
            coerce_ids=args.coerce_ids,
            id_fields=dict(args.id_fields),
            id_rules={event: (IdRule(fields=fields),) for event, fields in args.id_fields},
            keys=(stored,),
        )
        return add_tenant(file, args.name, tenant)

    change_tenants(path, change)
    print(shown)


def _rotate(args: argparse.Namespace, path: Path) -> None:
    now = _now()
    shown = ""

    def change(file: TenantsFile, pepper: bytes) -> TenantsFile:
        nonlocal shown
        stored, shown = make_key(pepper, now=now, expires_in=args.expires_in)
        return rotate(file, args.name, stored, old_keys_until=now + args.grace)

    change_tenants(path, change)
    print(shown)


def _revoke(args: argparse.Namespace, path: Path) -> None:
    change_tenants(path, lambda file, _: revoke(file, args.name, args.key, now=_now()))


def _list(args: argparse.Namespace, path: Path) -> None:
    keys = [
        {
            "tenant": name,
            "key": key.prefix,
            "state": "disabled" if tenant.disabled else key.state(_now()),
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "options": _options(tenant),
        }
        for name, tenant in sorted(read_tenants(path).tenants.items())
        for key in tenant.keys
    ]
    if args.json:
        print(json.dumps(keys, indent=1, default=datetime.isoformat))
        return
    shown: dict[str, Callable[[Any], str]] = {
        "created_at": lambda at: f"{at:%F}",
        "expires_at": lambda at: "never" if at is None else f"{at:%F %R}",
        "options": lambda options: "\n".join(one.replace("=", "=\n") for one in options),
    }
    headings = {"created_at": "created", "expires_at": "expires (UTC)"}
    names = ("tenant", "key", "state", "created_at", "expires_at", "options")
    columns = [
        TableColumn(headings.get(name, name), [shown.get(name, str)(key[name]) for key in keys])
        for name in names
    ]
    Console(width=WIDTH, highlight=False).print(fitted(columns))


def _options(tenant: Tenant) -> list[str]:
    coerce = ["coerce_ids"] if tenant.coerce_ids else []
    return coerce + [f"{event}={','.join(fields)}" for event, fields in tenant.id_fields.items()]


def _action(actions: Any, name: str, text: str) -> argparse.ArgumentParser:
    # argparse has no public name for the type of *actions*.
    action: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    if name == "id-fields":
        add_finding_options(action, CLICKHOUSE_ENDPOINT)
    else:
        add_data_dir(action)
    return action


def _now() -> datetime:
    return datetime.now(UTC)


def _days(text: str) -> timedelta:
    return timedelta(days=_positive(text))


def _hours(text: str) -> timedelta:
    return timedelta(hours=float(text))


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < 36_500:
        raise argparse.ArgumentTypeError(f"{text}: give a number above 0")
    return number


def _id_fields(text: str) -> tuple[str, tuple[str, ...]]:
    event, _, fields = text.partition("=")
    names = tuple(fields.split(","))
    parse_id_rules({"": {event: names}})
    return event, names
