"""The proof for one topic: its chain of ranges, their records and rows, then rows outside them.

The order of reading makes the proof hold while everything runs: commits were read first, the
ledger is written before a commit, and rows before the ledger. So whatever the ledger has here has
its rows, and what is written meanwhile lies past the window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from events.contract.id_rules import DEFAULT_RULES, IdRules
from railhead.audit.accounts import PartitionAccount, TopicAccount
from railhead.audit.chain import Cluster, Span
from railhead.audit.continuity import NOWHERE, Continuity
from railhead.audit.findings import AuditFinding, FindingKind, concerning
from railhead.audit.outside import Outside
from railhead.audit.queries import MOST_BLOCKS, AuditQueries, OffsetBlock, Window
from railhead.audit.records.examine import Examiner
from railhead.audit.records.kafka_log import KafkaLog, Position, incarnation_of, logs_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOptions:
    """What to look at.

    `since_ms` is 0 for everything the ledger knows. `tenant` limits what is named row by row.
    `most_examined` bounds the records read from Kafka for ranges that do not add up. With
    `every_record` all ranges are compared with Kafka, not only these.
    """

    since_ms: int = 0
    tenant: str = ""
    rules: IdRules = DEFAULT_RULES
    most_examined: int = 1_000_000
    every_record: bool = False


async def audit(
    topic: str,
    positions: Mapping[int, Position],
    *,
    queries: AuditQueries,
    log: KafkaLog,
    audit_options: AuditOptions,
) -> TopicAccount:
    """Audit all of *topic* once; *positions* were read before."""
    window = queries.window(
        topic, audit_options.since_ms, logs_of(positions), incarnation_of(positions)
    )
    islands, clusters = queries.islands(window), queries.clusters(window)
    continuity = Continuity(topic, log, from_the_beginning=not audit_options.since_ms)
    findings: list[AuditFinding] = []
    for number in sorted({*positions, *window.ends}):
        findings += await continuity.look(
            number,
            positions.get(number, NOWHERE),
            islands=islands.get(number, []),
            clusters=clusters.get(number, []),
            reported_end=window.ends.get(number),
        )
    findings += _other_incarnations(queries, window)
    findings += _merging(queries, window)
    if not audit_options.since_ms:
        findings += _kept_of_earlier(queries, window)
    doubtful = queries.doubtful(window, every=audit_options.every_record)
    blocks = _resolved(doubtful, clusters)
    examiner = Examiner(queries, log, window=window, positions=positions, rules=audit_options.rules)
    findings += await _examine(blocks, examiner, continuity=continuity, audit_options=audit_options)
    findings += await examiner.hidden(audit_options.tenant)
    findings += _beyond(doubtful, topic)
    outside = Outside(queries, log, window)
    findings += outside.in_the_window(continuity.chains)
    findings += await outside.past_the_window()
    findings += outside.of_no_topic()
    findings += outside.shown(audit_options.tenant, from_the_beginning=not audit_options.since_ms)
    findings += _sums(continuity.accounts.values(), findings, topic)
    accounts = list(continuity.accounts.values())
    found = TopicAccount(topic, accounts, concerning(findings, audit_options.tenant))
    if not window.topic_table.has_kept:
        found.kept, repeats = queries.reports(window)
        for account in accounts[:1]:
            account.superseded += repeats
    return found


def _beyond(doubtful: Sequence[OffsetBlock], topic: str) -> Iterator[AuditFinding]:
    if len(doubtful) >= MOST_BLOCKS:
        last = doubtful[-1]
        text = f"{MOST_BLOCKS:,} ranges up to here were examined; what follows was not: see --since"
        yield AuditFinding.about(topic, FindingKind.UNPROVEN, last.partition, last.span, text)


def _sums(
    accounts: Iterable[PartitionAccount], findings: Sequence[AuditFinding], topic: str
) -> Iterator[AuditFinding]:
    """Partitions whose sums are wrong though nothing was found in them: the audit itself failed."""
    faulty = {one.partition for one in findings if one.is_fault}
    for account in accounts:
        if not account.adds_up and account.partition not in faulty:
            reported = account.counts.records + account.empty + account.in_flight
            span = Span(account.first, account.end - 1)
            text = f"{account.offsets:,} offsets, and outcomes of {reported:,}"
            kind = FindingKind.MISCOUNTED
            yield AuditFinding.about(topic, kind, account.partition, span, text)


def _other_incarnations(queries: AuditQueries, window: Window) -> Iterator[AuditFinding]:
    kind, topic = FindingKind.OTHER_INCARNATION, window.topic_table.topic
    for number, span, ranges in queries.other_incarnations(window):
        text = f"{ranges:,} ranges of an earlier topic; only what is kept of it is checked"
        yield AuditFinding.about(topic, kind, number, span, text)


def _merging(queries: AuditQueries, window: Window) -> Iterator[AuditFinding]:
    kind, topic = FindingKind.MERGED, window.topic_table.topic
    for table, number, offset, rows, tenant in queries.merging(window):
        text = f"{rows:,} rows of {table}"
        yield AuditFinding.about(topic, kind, number, offset, text, (tenant,))


def _kept_of_earlier(queries: AuditQueries, window: Window) -> Iterator[AuditFinding]:
    for number, span, conflicts, rejected in queries.kept_of_earlier(window):
        for kind, table, kept in (
            (FindingKind.CONFLICT_MISSING, "conflicts", conflicts),
            (FindingKind.REJECT_MISSING, "rejected", rejected),
        ):
            if kept.there < kept.reported:
                text = f"of an earlier topic the ledger has {kept.reported:,}, "
                text += f"{table} has {kept.there:,}"
                topic = window.topic_table.topic
                yield AuditFinding.about(topic, kind, number, span, text)


def _resolved(
    blocks: Iterable[OffsetBlock], clusters: Mapping[int, Iterable[Cluster]]
) -> list[OffsetBlock]:
    """Blocks with their true counts: of ranges that overlap, only those that count."""
    counts = {(number, one.span): one.counts for number, found in clusters.items() for one in found}
    return [
        block._replace(reported=counts.get((block.partition, block.span), block.reported))
        for block in blocks
    ]


async def _examine(
    blocks: Iterable[OffsetBlock],
    examiner: Examiner,
    *,
    continuity: Continuity,
    audit_options: AuditOptions,
) -> list[AuditFinding]:
    findings: list[AuditFinding] = []
    left = audit_options.most_examined
    for block in blocks:
        if block.partition in continuity.recreated or _is_well(block, audit_options):
            continue
        left -= block.span.size
        if left < 0:
            text = "does not add up; not examined further, see --examine"
            findings.append(examiner.finding(FindingKind.UNPROVEN, block, block.span, text))
            continue
        result = await examiner.examine(block, fully=audit_options.every_record)
        findings += _without_echo(result.findings, block, continuity)
        account = continuity.accounts[block.partition]
        account.empty += result.empty
        account.superseded += result.superseded
        account.copies += result.copies
    return findings


def _is_well(block: OffsetBlock, audit_options: AuditOptions) -> bool:
    return (
        not audit_options.every_record
        and block.is_full
        and block.has_its_rows
        and block.rows == block.offsets
    )


def _without_echo(
    findings: Iterable[AuditFinding], block: OffsetBlock, continuity: Continuity
) -> list[AuditFinding]:
    """Leave out wrong numbers where a stray range is named already: it causes them."""
    has_stray = any(
        cluster.stray and cluster.span == block.span
        for cluster in continuity.chains[block.partition].clusters
    )
    echoes = (
        {FindingKind.SHORT, FindingKind.MISCOUNTED, FindingKind.UNPROVEN} if has_stray else set()
    )
    return [one for one in findings if one.kind not in echoes]
