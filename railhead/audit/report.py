"""Prints the accounts: a table for people, one object for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from events.contract.registry import REJECTED_TOPIC, TOPIC_PREFIX
from railhead.audit.accounts import TopicAccount, is_balanced
from railhead.audit.findings import AuditFinding, FindingKind
from railhead.dead_letters.plain_text import visible
from railhead.tables import TableColumn, fitted
from streams.judge.outcomes import OutcomeCounts

SHOWN: Final = 20
OUTCOMES: Final = OutcomeCounts._fields
STYLES: Final = {True: "green", False: "bold red"}


def print_statement(console: Console, accounts: Sequence[TopicAccount]) -> None:
    """Print the table and its sums, then each kind of finding with where it was found."""
    console.print(as_table(accounts))
    for line in sums(accounts):
        console.print(Text(line), soft_wrap=True)
    findings = [finding for account in accounts for finding in account.findings]
    for kind in FindingKind:
        _print_kind(console, kind, [one for one in findings if one.kind == kind])


def as_table(accounts: Sequence[TopicAccount]) -> Table:
    """A row for each topic; what no topic has is left out, as the sentences below have it."""
    columns = [TableColumn("topic", [_short(account.topic) for account in accounts])]
    for name in ("offsets", *OUTCOMES, "superseded", "in flight"):
        numbers = [_number(account, name) for account in accounts]
        if any(numbers) or name in {"offsets", "stored"}:
            columns.append(TableColumn(name, [f"{number:,}" for number in numbers], is_number=True))
    results = [Text(account.summary, STYLES[not account.faults]) for account in accounts]
    return fitted([*columns, TableColumn("result", results)])


def _short(topic: str) -> str:
    return topic.removeprefix(TOPIC_PREFIX).removeprefix("realtime-")


def _number(account: TopicAccount, name: str) -> int:
    """A column of the table: an outcome, or another count of the account."""
    if name in OUTCOMES:
        return int(getattr(account.counts, name))
    return account.total(name.replace(" ", "_"))


def sums(accounts: Sequence[TopicAccount]) -> Iterator[str]:
    """What was accepted and what became of it, as sentences; rejected items separately."""
    events = [account for account in accounts if account.topic != REJECTED_TOPIC]
    if events:
        outcomes = {
            name: sum(getattr(account.counts, name) for account in events)
            for name in shown_outcomes(events)
        }
        reported = " + ".join(f"{number:,} {name}" for name, number in outcomes.items())
        in_flight = sum(account.total("in_flight") for account in events)
        total = sum(outcomes.values()) + in_flight
        yield f"{total:,} records accepted = {reported} + {in_flight:,} in flight."
        if "moved" in outcomes:
            yield "A record that was moved counts once more in the partition it belongs to."
    for account in accounts:
        if account.topic == REJECTED_TOPIC:
            in_flight, again = account.total("in_flight"), account.total("superseded")
            kept = account.counts.stored - again if account.kept is None else account.kept
            repeats = f" + {again:,} reported again" if again else ""
            yield (
                f"{account.counts.stored + in_flight:,} rejected items reported by ingest APIs and "
                f"workers = {kept:,} kept{repeats} + {in_flight:,} in flight."
            )
    yield "The accounts balance." if is_balanced(accounts) else "The accounts do not balance."


def shown_outcomes(accounts: Sequence[TopicAccount]) -> list[str]:
    """The outcomes to show: `moved` only where a record was moved."""
    moved = any(account.counts.moved for account in accounts)
    return [name for name in OUTCOMES if name != "moved" or moved]


def _print_kind(console: Console, kind: FindingKind, findings: Sequence[AuditFinding]) -> None:
    if not findings:
        return
    style = STYLES[False] if findings[0].is_fault else "yellow"
    count = f" ({len(findings):,})" if len(findings) > 1 else ""
    console.print(Text(f"{kind}{count}: {kind.meaning}", style), soft_wrap=True)
    for one in findings[:SHOWN]:
        console.print(Text(f"  {visible(line_of(one))}"), soft_wrap=True)
    if len(findings) > SHOWN:
        console.print(Text(f"  and {len(findings) - SHOWN:,} more: --json lists all"))


def line_of(finding: AuditFinding) -> str:
    """A finding in one line."""
    who = f", tenant {finding.tenant}" if finding.tenant else ""
    which = f", id hash {finding.id_hash}" if finding.id_hash else ""
    return f"{finding.coordinate}: {finding.text}{who}{which}"


def as_document(accounts: Sequence[TopicAccount]) -> dict[str, Any]:
    """Everything, for programs."""
    findings: Iterable[AuditFinding] = (one for account in accounts for one in account.findings)
    return {
        "balanced": is_balanced(accounts),
        "in_flight": sum(account.total("in_flight") for account in accounts),
        "topics": [account.as_dict() for account in accounts],
        "findings": [one.as_dict() for one in findings],
    }
