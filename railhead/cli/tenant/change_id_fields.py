"""The command `tenant id-fields`: changes an idempotency id, and says what that does."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from clickhouse_connect.driver.client import Client

from events.contract.id_rules import IdRules
from events.contract.registry import BY_NAME, EventType
from railhead.cli.command_error import CommandError
from railhead.cli.finding import open_clickhouse
from railhead.waiting import waiting_for
from tenants.changes import TenantChangeError, change_id_fields, find
from tenants.id_rules import rules_of_tenants
from tenants.tenants import TenantsFile
from tenants.tenants_file import change_tenants, read_tenants

# Workers read the file every second; one that restarts needs a little longer.
BEGINS_AFTER_SECONDS: Final = 60.0

AS_CONFLICTS: Final = (
    "{:,} records are kept as conflicts by the rules so far; they stay conflicts, also where the "
    "new rule would give them different ids."
)
LATER: Final = (
    "An item that comes again later is compared with what is stored by the new rule: the same "
    "content is a repeat, other content of the same new id a conflict. Nothing counts twice."
)


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """What the store has of a tenant's type: rows, ids by the new rule, and conflicts kept."""

    rows: int
    new_ids: int
    conflicts: int


def change(args: argparse.Namespace, path: Path) -> None:
    """Print what the change does to what is stored; with --yes change the file.

    Raises:
        TenantChangeError: it cannot be done, or was not agreed to; nothing was changed.
    """
    name, (event, fields) = args.name, args.fields
    event_type = BY_NAME[event]
    tenant = find(read_tenants(path), name)
    since = datetime.now(UTC) + timedelta(seconds=args.after)
    before, after = (
        rules_of_tenants({name: tenant}),
        rules_of_tenants({name: change_id_fields(tenant, event, fields, since)}),
    )
    if before.fields_for(name, event_type) == fields:
        raise TenantChangeError(f"{event} of {name} has this id already: {', '.join(fields)}")
    stored = ask(args, name, event_type, fields)
    if stored.rows and after.home_fields(name, event_type) != before.home_fields(name, event_type):
        held = ", ".join(before.home_fields(name, event_type))
        raise TenantChangeError(
            f"{stored.rows:,} rows of {name} are stored by a rule with {held}; by one "
            "without it nothing could be compared with them, and it would count twice. Keep it."
        )
    for line in effects(name, before, event_type, fields, stored):
        print(line)
    if not args.yes:
        raise TenantChangeError("nothing was changed; give --yes to change it")

    def apply(file: TenantsFile, _: bytes) -> TenantsFile:
        changed = change_id_fields(find(file, name), event, fields, since)
        return file.model_copy(update={"tenants": {**file.tenants, name: changed}})

    change_tenants(path, apply)
    print(f"Changed; it applies to what Kafka appends from {since:%F %T} UTC on.")


def ask(
    args: argparse.Namespace, tenant: str, event_type: EventType, fields: Sequence[str]
) -> StoredCounts:
    """Connect and count.

    Raises:
        TenantChangeError: ClickHouse does not answer.
    """
    try:
        with open_clickhouse(args, "count of rows") as (client, address), waiting_for(address):
            return count(client, tenant, event_type, fields)
    except CommandError as error:
        raise TenantChangeError(str(error)) from None


def count(
    client: Client, tenant: str, event_type: EventType, fields: Sequence[str]
) -> StoredCounts:
    """Count what is stored of *tenant*, and how many ids that is by *fields*."""
    query = (
        f"SELECT count(), uniqExact({', '.join(fields)}) "  # noqa: S608 - names of the contract
        f"FROM fasttrack_store.{event_type.table} FINAL WHERE tenant = {{tenant:String}}"
    )
    parameters = {"tenant": tenant, "event": event_type.name}
    rows, new_ids = client.query(query, parameters=parameters).result_rows[0]
    kept = (
        "SELECT count() FROM fasttrack.conflicts "
        "WHERE tenant = {tenant:String} AND event = {event:String}"
    )
    return StoredCounts(rows, new_ids, client.query(kept, parameters=parameters).result_rows[0][0])


def effects(
    tenant: str, before: IdRules, event_type: EventType, fields: Sequence[str], stored: StoredCounts
) -> list[str]:
    """What the change does, in sentences."""
    old = ", ".join(before.fields_for(tenant, event_type))
    joined = stored.rows - stored.new_ids
    others = (
        f"The other {joined:,} share an id with one of these: they stay" if joined else "All stay"
    )
    return [
        f"{event_type.name} of {tenant}: the id is {old} now and will be {', '.join(fields)}.",
        f"{stored.rows:,} rows are stored; by the new rule they would be {stored.new_ids:,}.",
        f"{others}, each as it is.",
        AS_CONFLICTS.format(stored.conflicts),
        LATER,
    ]
