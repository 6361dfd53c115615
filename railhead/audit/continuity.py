"""Checks that a partition's ranges join from the first one to the last, up to the commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from railhead.audit.accounts import PartitionAccount
from railhead.audit.chain import Chain, Cluster, Island, Span, join
from railhead.audit.findings import AuditFinding, FindingKind
from railhead.audit.records.kafka_log import KafkaLog, Position

# Of more offsets than this, the records among them are not counted: the offsets are reported.
MOST_COUNTED = 5_000
NOWHERE = Position(0, 0, None)


class Continuity:
    """Looks at the partitions of one topic; `chains` and `accounts` hold what it found.

    Of a partition in `recreated` Kafka has other records than those in the ledger.
    """

    def __init__(self, topic: str, log: KafkaLog, *, from_the_beginning: bool) -> None:
        self._topic = topic
        self._finding = partial(AuditFinding.about, topic)
        self._log = log
        self._from_the_beginning = from_the_beginning
        self.chains: dict[int, Chain] = {}
        self.accounts: dict[int, PartitionAccount] = {}
        self.recreated: set[int] = set()

    async def look(
        self,
        number: int,
        position: Position,
        *,
        islands: Sequence[Island],
        clusters: Sequence[Cluster],
        reported_end: int | None,
    ) -> list[AuditFinding]:
        """Join the ledger's ranges of partition *number*; its ledger ends at `reported_end`."""
        start = self._start(islands, position, reported_end)
        chain = join(islands, clusters, start=start, end=max(start, position.committed or start))
        end = position.end
        if chain.end > end and position is not NOWHERE:
            # Written since the log's end was read, unless the topic was recreated.
            end = (await self._log.ends(self._topic, [number])).get(number, 0)
        self.chains[number] = chain
        self.accounts[number] = PartitionAccount(
            partition=number,
            first=chain.first,
            end=max(end, chain.end),
            committed=position.committed,
            ranges=sum(island.ranges for island in islands),
            counts=chain.counts,
            kept_from=position.start,
        )
        await self._in_flight(number, Span(max(chain.end, position.start), end - 1))
        chain.gaps, gaps = [], chain.gaps
        return [
            *self._ends(number, chain, position, end),
            *[found for gap in gaps for found in await self._gap(number, gap, position)],
            *self._clusters(number, clusters),
        ]

    def _start(
        self, islands: Sequence[Island], position: Position, reported_end: int | None
    ) -> int:
        """The first offset that must have an outcome: the ledger's first, or Kafka's."""
        if islands:
            first = min(island.first for island in islands)
            return min(first, position.start) if self._from_the_beginning else first
        if reported_end is not None:
            return reported_end
        return position.start if self._from_the_beginning else position.committed or position.start

    async def _in_flight(self, number: int, rest: Span) -> None:
        """Count the records that are not in the ledger yet; where there are many, their offsets."""
        size = records = max(0, rest.size)
        if 0 < size <= MOST_COUNTED:
            records = await self._log.count(self._topic, number, rest)
        self.accounts[number].in_flight = records
        self.accounts[number].empty += size - records

    def _ends(
        self, number: int, chain: Chain, position: Position, end: int
    ) -> Iterator[AuditFinding]:
        if chain.end > end:
            self.recreated.add(number)
            text = f"the log ends at {end}: it now holds other records"
            yield self._finding(FindingKind.RECREATED, number, Span(end, chain.end - 1), text)
        if chain.end < position.start:
            text = "deleted by Kafka's retention before a worker read them"
            yield self._finding(
                FindingKind.EXPIRED, number, Span(chain.end, position.start - 1), text
            )

    async def _gap(self, number: int, gap: Span, position: Position) -> list[AuditFinding]:
        kept = Span(max(gap.first, position.start), min(gap.last, position.end - 1))
        records = await self._log.count(self._topic, number, kept) if kept.size > 0 else 0
        deleted = max(0, min(gap.last + 1, position.start) - gap.first)
        if not records and not deleted:
            # Transaction markers: nothing that could have an outcome.
            self.accounts[number].empty += gap.size
            return []
        self.chains[number].gaps.append(gap)
        text = f"{records:,} records in no range of the ledger"
        text += f", and {deleted:,} offsets that Kafka no longer keeps" if deleted else ""
        return [self._finding(FindingKind.GAP, number, gap, text)]

    def _clusters(self, number: int, clusters: Sequence[Cluster]) -> Iterator[AuditFinding]:
        for cluster in clusters:
            reported = ", ".join(
                f"{one.span} of generation {one.generation}" for one in cluster.reported
            )
            for one in cluster.late:
                text = f"of generation {one.generation}; replaced by {reported}"
                yield self._finding(FindingKind.LATE, number, one.span, text)
            for one in cluster.stray:
                text = f"of generation {one.generation}; it does not fit {reported}"
                yield self._finding(FindingKind.OVERLAP, number, one.span, text)
