"""The proof for one topic, top to bottom: the chain, its ranges' records and rows, rows beside it.

The order of looking makes it hold while everything runs: what is committed was read first, the
ledger is written before a commit, and rows before the ledger. So whatever the ledger tells here has
its rows, and what is written meanwhile lies past the window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from events.idrules import DEFAULT_RULES, IdRules
from railhead.accounting.accounts import PartitionAccount, TopicAccount
from railhead.accounting.books import MOST_BLOCKS, Block, Books, Window
from railhead.accounting.chain import Cluster, Span
from railhead.accounting.continuity import NOWHERE, Continuity
from railhead.accounting.examine import Examiner
from railhead.accounting.findings import Finding, Kind, concerning
from railhead.accounting.kafka_log import KafkaLog, Position, incarnation_of, logs_of
from railhead.accounting.outside import Outside


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What to look at.

    `since_ms` is 0 for everything the ledger knows. `tenant` narrows what is named row by row.
    `most_examined` bounds the records read from Kafka for ranges that do not add up. With
    `every_record` all ranges are held against Kafka, not only these.
    """

    since_ms: int = 0
    tenant: str = ""
    rules: IdRules = DEFAULT_RULES
    most_examined: int = 1_000_000
    every_record: bool = False


async def audit(
    topic: str, positions: Mapping[int, Position], *, books: Books, log: KafkaLog, wishes: Wishes
) -> TopicAccount:
    """Look at everything of *topic* once; *positions* were read before."""
    window = books.window(topic, wishes.since_ms, logs_of(positions), incarnation_of(positions))
    islands, clusters = books.islands(window), books.clusters(window)
    continuity = Continuity(topic, log, from_the_beginning=not wishes.since_ms)
    findings: list[Finding] = []
    for number in sorted({*positions, *window.ends}):
        findings += await continuity.look(
            number,
            positions.get(number, NOWHERE),
            islands=islands.get(number, []),
            clusters=clusters.get(number, []),
            told_end=window.ends.get(number),
        )
    findings += _other_lives(books, window)
    findings += _merging(books, window)
    if not wishes.since_ms:
        findings += _kept_of_earlier(books, window)
    doubtful = books.doubtful(window, every=wishes.every_record)
    blocks = _resolved(doubtful, clusters)
    examiner = Examiner(books, log, window=window, positions=positions, rules=wishes.rules)
    findings += await _examine(blocks, examiner, continuity=continuity, wishes=wishes)
    findings += await examiner.hidden(wishes.tenant)
    findings += _beyond(doubtful, topic)
    outside = Outside(books, log, window)
    findings += outside.in_the_window(continuity.chains)
    findings += await outside.past_the_window()
    findings += outside.of_no_topic()
    findings += outside.shown(wishes.tenant, from_the_beginning=not wishes.since_ms)
    findings += _sums(continuity.accounts.values(), findings, topic)
    accounts = list(continuity.accounts.values())
    found = TopicAccount(topic, accounts, concerning(findings, wishes.tenant))
    if not window.book.has_kept:
        found.kept, repeats = books.reports(window)
        for account in accounts[:1]:
            account.superseded += repeats
    return found


def _beyond(doubtful: Sequence[Block], topic: str) -> Iterator[Finding]:
    if len(doubtful) >= MOST_BLOCKS:
        last = doubtful[-1]
        text = (
            f"{MOST_BLOCKS:,} ranges up to here to be looked at; what follows was not: see --since"
        )
        yield Finding(
            kind=Kind.UNPROVEN, topic=topic, partition=last.partition, span=last.span, text=text
        )


def _sums(
    accounts: Iterable[PartitionAccount], findings: Sequence[Finding], topic: str
) -> Iterator[Finding]:
    """Partitions whose sums are wrong though nothing was found in them: then looking went wrong."""
    faulty = {one.partition for one in findings if one.is_fault}
    for account in accounts:
        if not account.adds_up and account.partition not in faulty:
            told = account.counts.records + account.empty + account.in_flight
            yield Finding(
                kind=Kind.MISCOUNTED,
                topic=topic,
                partition=account.partition,
                span=Span(account.first, account.end - 1),
                text=f"{account.offsets:,} offsets, and the fates of {told:,} are told",
            )


def _other_lives(books: Books, window: Window) -> Iterator[Finding]:
    for number, span, ranges in books.other_lives(window):
        yield Finding(
            kind=Kind.OTHER_LIFE,
            topic=window.book.topic,
            partition=number,
            span=span,
            text=f"{ranges:,} ranges of an earlier topic; only what is kept of it is looked at",
        )


def _merging(books: Books, window: Window) -> Iterator[Finding]:
    for table, number, offset, rows, tenant in books.merging(window):
        yield Finding(
            kind=Kind.MERGED,
            topic=window.book.topic,
            partition=number,
            span=Span(offset, offset),
            text=f"{rows:,} rows of {table}",
            tenant=tenant,
        )


def _kept_of_earlier(books: Books, window: Window) -> Iterator[Finding]:
    for number, span, conflicts, rejected in books.kept_of_earlier(window):
        for kind, table, kept in (
            (Kind.CONFLICT_MISSING, "conflicts", conflicts),
            (Kind.REJECT_MISSING, "rejected", rejected),
        ):
            if kept.there < kept.told:
                yield Finding(
                    kind=kind,
                    topic=window.book.topic,
                    partition=number,
                    span=span,
                    text=f"of an earlier topic the ledger tells {kept.told:,}, "
                    f"{table} has {kept.there:,}",
                )


def _resolved(blocks: Iterable[Block], clusters: Mapping[int, Iterable[Cluster]]) -> list[Block]:
    """Blocks with what they really tell: of ranges that overlap, only those that count."""
    counts = {(number, one.span): one.counts for number, found in clusters.items() for one in found}
    return [
        block._replace(told=counts.get((block.partition, block.span), block.told))
        for block in blocks
    ]


async def _examine(
    blocks: Iterable[Block], examiner: Examiner, *, continuity: Continuity, wishes: Wishes
) -> list[Finding]:
    findings: list[Finding] = []
    left = wishes.most_examined
    for block in blocks:
        if block.partition in continuity.recreated or _is_well(block, wishes):
            continue
        left -= block.span.size
        if left < 0:
            findings.append(_too_much(block, examiner.topic))
            continue
        result = await examiner.examine(block, fully=wishes.every_record)
        findings += _without_echo(result.findings, block, continuity)
        account = continuity.accounts[block.partition]
        account.empty += result.empty
        account.superseded += result.superseded
        account.copies += result.copies
    return findings


def _is_well(block: Block, wishes: Wishes) -> bool:
    return (
        not wishes.every_record
        and block.is_full
        and block.has_its_rows
        and block.rows == block.offsets
    )


def _too_much(block: Block, topic: str) -> Finding:
    return Finding(
        kind=Kind.UNPROVEN,
        topic=topic,
        partition=block.partition,
        span=block.span,
        text="does not add up; not looked at any closer, see --examine",
    )


def _without_echo(
    findings: Iterable[Finding], block: Block, continuity: Continuity
) -> list[Finding]:
    """Leave out wrong numbers where a range astray is named already: they come of it."""
    astray = any(
        cluster.astray and cluster.span == block.span
        for cluster in continuity.chains[block.partition].clusters
    )
    echoes = {Kind.SHORT, Kind.MISCOUNTED, Kind.UNPROVEN} if astray else set()
    return [one for one in findings if one.kind not in echoes]
