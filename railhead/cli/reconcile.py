"""The command `reconcile`: proves that every offset has one outcome, or names what has none."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from aiokafka.errors import KafkaConnectionError, KafkaError
from clickhouse_connect.driver.client import Client
from rich.console import Console
from rich.text import Text

from events.contract.registry import BY_NAME, EVENT_TYPES, REJECTED_TOPIC
from railhead.audit.accounts import TopicAccount, is_balanced
from railhead.audit.api_counters import ApiSilentError, read_counters, sum_apis
from railhead.audit.audit import AuditOptions
from railhead.audit.moments import HOW_TO, milliseconds
from railhead.audit.queries import AuditQueries
from railhead.audit.reconcile import Reconciler
from railhead.audit.records.kafka_log import open_log
from railhead.audit.report import as_document, print_statement
from railhead.audit.rewind import Rewind, rewind, rewinds_of
from railhead.cli.command_error import CommandError
from railhead.cli.finding import add_finding_options, find, open_clickhouse
from railhead.cli.option_types import moment, positive
from railhead.kafka.topic_admin import BrokerSilentError, TopicError
from railhead.paths import tenants_file
from railhead.stack.addresses import CLICKHOUSE_ENDPOINT, KAFKA_ENDPOINT
from railhead.tables import output_console
from railhead.waiting import waiting_for
from streams.settings import WorkerSettings
from tenants.id_rules import rules_if_there


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on *parser*."""
    parser.description = (
        "Prove from the ledger, the tables and Kafka that every record has exactly one outcome: "
        "stored, duplicate, conflict or rejected; that ranges join without gap or overlap; and "
        "that the tables hold exactly what was stored. Changes nothing without --mend, and may "
        "run at any time. Exit code 0: it balances; 1: it does not, and where is shown; 2: it "
        "could not be checked."
    )
    parser.add_argument(
        "--since", type=moment, metavar="WHEN", help=f"only ranges from then on: {HOW_TO}"
    )
    parser.add_argument(
        "--type",
        choices=[*BY_NAME, "rejected"],
        action="append",
        metavar="NAME",
        help="only this event type, or rejected; may be given several times",
    )
    parser.add_argument("--tenant", default="", help="name only this tenant's records and rows")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--door",
        dest="api",
        action="append",
        default=[],
        metavar="URL",
        help="an ingest API (or its metrics page) whose counters are shown too; once for each",
    )
    parser.add_argument(
        "--every-record",
        action="store_true",
        help="compare every range with Kafka, not only those that do not add up",
    )
    parser.add_argument(
        "--examine",
        type=positive,
        default=1_000_000,
        metavar="N",
        help="at most N records of a topic are read from Kafka for that (%(default)s)",
    )
    parser.add_argument(
        "--strict", action="store_true", help="rows stored twice are a fault too, though shown once"
    )
    parser.add_argument(
        "--mend",
        action="store_true",
        help="while no worker runs: have workers read again what is missing and still in Kafka",
    )
    add_finding_options(parser, CLICKHOUSE_ENDPOINT, KAFKA_ENDPOINT)


def run(args: argparse.Namespace) -> int:
    """Prove it; 0 when it balances."""
    # What matters of the client's own log lines is in the error.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    console = Console(stderr=True)
    try:
        kafka = find(KAFKA_ENDPOINT, args)
        settings = WorkerSettings(kafka_bootstrap=kafka.value)
        apis = sum_apis([read_counters(url) for url in args.api])
    except (ApiSilentError, ValueError) as error:
        raise CommandError(str(error), code=2) from None
    with console.status("") as status, open_clickhouse(args, "read of the ledger") as (client, _):
        try:
            accounts = _reconcile(args, client, settings, _Progress(str(kafka), status.update))
            rewinds = rewinds_of(accounts)
            if args.mend and rewinds:
                asyncio.run(rewind(settings.kafka_bootstrap, settings.group, rewinds))
        except (BrokerSilentError, KafkaConnectionError) as error:
            raise CommandError(kafka.no_answer(str(error)), code=2) from None
        except (TopicError, KafkaError, ValueError, OSError) as error:
            raise CommandError(str(error), code=2) from None
    _print(args, accounts, apis, rewinds)
    copied = args.strict and any(account.total("copies") for account in accounts)
    return 0 if is_balanced(accounts) and not copied else 1


class _Progress:
    """What is asked or audited now."""

    def __init__(self, now: str, show: Callable[[str], None]) -> None:
        self.now = now
        self._show = show

    def report(self, topic: str) -> None:
        """The audit has come to *topic*."""
        self.now = f"the audit of {topic}"
        self._show(topic)


def _reconcile(
    args: argparse.Namespace, client: Client, settings: WorkerSettings, progress: _Progress
) -> list[TopicAccount]:
    audit_options = AuditOptions(
        since_ms=milliseconds(args.since),
        tenant=args.tenant,
        rules=rules_if_there(tenants_file(args.data_dir)),
        most_examined=args.examine,
        every_record=args.every_record,
    )

    async def reconcile() -> list[TopicAccount]:
        async with open_log(settings.kafka_bootstrap) as log:
            reconciler = Reconciler(
                group=settings.group,
                queries=AuditQueries(client),
                log=log,
                audit_options=audit_options,
                report=progress.report,
            )
            return await reconciler.reconcile(_topics(args.type))

    with waiting_for(lambda: progress.now):
        return asyncio.run(reconcile())


def _topics(names: list[str] | None) -> list[str]:
    wanted = names or [*BY_NAME, "rejected"]
    topics = [row.topic for row in EVENT_TYPES if row.name in wanted]
    return [*topics, REJECTED_TOPIC] if "rejected" in wanted else topics


def _print(
    args: argparse.Namespace,
    accounts: list[TopicAccount],
    apis: dict[str, int],
    rewinds: list[Rewind],
) -> None:
    if args.json:
        document: dict[str, Any] = as_document(accounts)
        document["since"] = args.since.isoformat() if args.since else None
        document["tenant"] = args.tenant or None
        document["doors"] = apis or None
        document["rewinds"] = [one._asdict() for one in rewinds]
        print(json.dumps(document, indent=1))
        return
    console = output_console()
    print_statement(console, accounts)
    for line in [*_lines(args.since, accounts, apis), *_mending(rewinds, done=args.mend)]:
        console.print(Text(line), soft_wrap=True)


def _mending(rewinds: list[Rewind], *, done: bool) -> Iterator[str]:
    if not rewinds:
        return
    where = ", ".join(map(str, rewinds))
    if done:
        yield f"The workers will read again {where}: start them, and reconcile when they are done."
        return
    yield f"Kafka still has records that are missing: {where}."
    yield "To mend it stop all workers, run `railhead reconcile --mend` and start them again."


def _lines(since: datetime | None, accounts: list[TopicAccount], apis: dict[str, int]) -> list[str]:
    copies = sum(account.total("copies") for account in accounts)
    empty = sum(account.total("empty") for account in accounts)
    lines = [f"From {since:%F %T} UTC on." if since else "From the beginning of the ledger."]
    if copies:
        lines.append(f"{copies:,} rows are stored twice and shown once.")
    if empty:
        lines.append(f"{empty:,} offsets have no record: transaction markers.")
    if apis:
        reported = ", ".join(
            f"{items:,} {outcome.replace('_', ' ')}" for outcome, items in apis.items()
        )
        lines.append(f"The ingest APIs report since they started: {reported}.")
    return lines
