"""Finds rows outside of the ledger's ranges, and checks that views show each id once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from railhead.audit.chain import Chain, Span, spans
from railhead.audit.findings import AuditFinding, FindingKind
from railhead.audit.queries import AuditQueries, Window
from railhead.audit.records.kafka_log import KafkaLog

MOST_NAMED = 1_000


class Outside:
    """Looks at the rows of one topic's table that lie outside of the ledger's ranges."""

    def __init__(self, queries: AuditQueries, log: KafkaLog, window: Window) -> None:
        self._queries = queries
        self._log = log
        self._window = window
        self._topic = window.topic_table.topic
        self._finding = partial(AuditFinding.about, self._topic)

    def in_the_window(self, chains: Mapping[int, Chain]) -> Iterator[AuditFinding]:
        """Rows between ranges; those in a known gap are one finding."""
        by_partition: dict[int, list[int]] = {}
        for number, offset in self._queries.strays(self._window):
            by_partition.setdefault(number, []).append(offset)
        for number, offsets in by_partition.items():
            gaps = chains[number].gaps if number in chains else []
            text = "a row whose offset no range of the ledger covers"
            for span in spans(offsets):
                if any(gap.first <= span.first and span.last <= gap.last for gap in gaps):
                    reported = f"{span.size:,} rows in the gap"
                    yield self._finding(FindingKind.FOREIGN, number, span, reported)
                else:
                    yield from self._named(number, span, text)

    async def past_the_window(self) -> list[AuditFinding]:
        """Rows at offsets that Kafka has not assigned yet: they cannot be in flight."""
        past = self._queries.past_the_window(self._window)
        ends = await self._log.ends(self._topic, [n for n in past if await self._exists(n)])
        found: list[AuditFinding] = []
        for number, (_, last) in past.items():
            end = ends.get(number, 0)
            if last >= end:
                text = f"a row at or past the log's end, {end}"
                if number not in ends:
                    text = "a row of a partition that the topic does not have"
                found += self._named(number, Span(end, last), text)
        return found

    async def _exists(self, number: int) -> bool:
        return number in (await self._log.positions([self._topic])).get(self._topic, {})

    def of_no_topic(self) -> Iterator[AuditFinding]:
        """Rows that name a topic other than their table's, or no offset."""
        kind = FindingKind.FOREIGN
        text = f"a row of {self._window.topic_table.table}, which holds {self._topic} only"
        for (topic, number, offset), tenant in self._queries.of_no_topic(self._window):
            topic_shown = topic or "(no topic)"
            yield AuditFinding.about(topic_shown, kind, number, offset, text, (tenant,))

    def shown(self, tenant: str, *, from_the_beginning: bool) -> Iterator[AuditFinding]:
        """Check what analysts see: one row of each id, and as many rows as the table holds.

        The view is counted only *from_the_beginning*: no column of it would bound the cost.
        """
        if self._window.topic_table.has_kept:
            for key, number, offset in self._queries.shown_twice(self._window, tenant):
                text = "a second visible row of its id"
                yield self._finding(FindingKind.SHOWN_TWICE, number, offset, text, key)
        if not from_the_beginning:
            return
        shown = self._queries.shown(self._window, tenant)
        if not shown.before <= shown.stored <= shown.after:
            text = f"fasttrack.{self._window.topic_table.table} shows {shown.after:,} rows"
            text += f", its table holds {shown.stored:,}"
            yield self._finding(FindingKind.VIEW, 0, 0, text)

    def _named(self, number: int, span: Span, text: str) -> Sequence[AuditFinding]:
        rows = self._queries.rows_of(self._window, number, span)
        named = [
            self._finding(FindingKind.FOREIGN, number, offset, text, key)
            for offset, keys in sorted(rows.items())
            for key in sorted(keys)
        ]
        if len(named) <= MOST_NAMED:
            return named
        return [
            self._finding(FindingKind.FOREIGN, number, span, f"{span.size:,} times {text}")
            for span in spans(rows)
        ]
