"""How the accounts are printed: a table, sums as sentences, and each finding."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from railhead.audit.accounts import PartitionAccount, TopicAccount
from railhead.audit.chain import Span
from railhead.audit.findings import AuditFinding, FindingKind
from railhead.audit.report import as_document, as_table, print_statement
from streams.judge.outcomes import OutcomeCounts

CASINO = "fasttrack.realtime-casino"


def account(*findings: AuditFinding) -> TopicAccount:
    """Two partitions of casino events."""
    first = PartitionAccount(0, 0, 10, 8, counts=OutcomeCounts(5, 1, 1, 1), in_flight=2)
    second = PartitionAccount(
        1, 100, 105, None, counts=OutcomeCounts(3, 0, 0, 0), empty=1, in_flight=1
    )
    return TopicAccount(CASINO, [first, second], list(findings))


def finding(kind: FindingKind, offset: int) -> AuditFinding:
    """Something found at one offset."""
    return AuditFinding(
        kind=kind, topic=CASINO, partition=0, span=Span(offset, offset), text="seen", tenant="acme"
    )


def printed(*accounts: TopicAccount) -> str:
    """What an operator reads."""
    console = Console(file=io.StringIO(), width=160, color_system=None)
    print_statement(console, accounts)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_what_was_accepted_is_the_sum_of_its_outcomes() -> None:
    """And of what is in flight; rejected items are reported separately."""
    rejected = TopicAccount(
        "fasttrack.rejected", [PartitionAccount(0, 0, 4, 4, counts=OutcomeCounts(3), in_flight=1)]
    )

    text = printed(account(), rejected)

    assert (
        "14 records accepted = 8 stored + 1 duplicates + 1 conflicts + 1 rejected + 3 in flight."
        in text
    )
    assert "4 rejected items reported by ingest APIs and workers = 3 kept + 1 in flight." in text
    assert "The accounts balance." in text


def table_of(count: int) -> list[list[str]]:
    """The words of each line of the table, for a topic that counts so many of everything."""
    counts = OutcomeCounts(count, count, count, count, count)
    partition = PartitionAccount(0, 0, count, count, counts=counts, in_flight=count)
    console = Console(file=io.StringIO(), width=80, color_system=None)
    with console.capture() as captured:
        console.print(as_table([TopicAccount(CASINO, [partition])]))
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= 80
    return [line.split() for line in lines if line.strip(" ─")]


def test_the_table_leaves_out_what_no_topic_has() -> None:
    """The sentences below it name every outcome."""
    assert table_of(0) == [
        ["topic", "offsets", "stored", "result"],
        ["casino", "0", "0", "balanced"],
    ]


def test_a_table_wider_than_80_columns_is_turned_on_its_side() -> None:
    """A line a number, with all its digits."""
    number = "5,000,000,000"
    names = ["offsets", "stored", "duplicates", "conflicts", "rejected", "moved", "in"]

    lines = table_of(5_000_000_000)

    assert [(line[0], line[-1]) for line in lines[1:-1]] == [(name, number) for name in names]


def test_a_finding_cannot_steer_the_terminal() -> None:
    """Tenants of direct producers are foreign text."""
    text = printed(account(replace(finding(FindingKind.LOST, 1), tenant="a\x1b[2J\nb\x9b\u202e")))

    assert "tenant a\\x1b[2J\\nb\\x9b\\u202e" in text


def test_faults_are_named_kind_by_kind_with_what_they_mean() -> None:
    """Many of one kind are cut short; programs get all."""
    found = [finding(FindingKind.LOST, offset) for offset in range(30)]

    text = printed(account(*found))

    assert "lost (30): a valid record whose id has no row" in text
    assert "fasttrack.realtime-casino[0] @ 19: seen, tenant acme" in text
    assert "@ 20: seen" not in text
    assert "and 10 more: --json lists all" in text
    assert "30 faults" in text
    assert "The accounts do not balance." in text
    assert len(as_document([account(*found)])["findings"]) == 30


def test_remarks_are_reported_and_the_accounts_balance() -> None:
    """Rows stored twice and late ranges do no harm."""
    text = printed(account(finding(FindingKind.COPIES, 1), finding(FindingKind.LATE, 2)))

    assert "copies: rows stored twice" in text
    assert "The accounts balance." in text
    assert as_document([account(finding(FindingKind.COPIES, 1))])["balanced"] is True


def test_every_partition_adds_up() -> None:
    """Offsets = outcomes + offsets without a record + in flight."""
    assert all(one.adds_up for one in account().partitions)
