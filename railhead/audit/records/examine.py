"""Finds out why a block does not add up: compares its records in Kafka with the tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from events.contract.id_rules import IdRules
from events.contract.registry import BY_TOPIC, REJECTED_TOPIC
from railhead.audit.chain import Span, spans
from railhead.audit.findings import AuditFinding, FindingKind
from railhead.audit.queries import AuditQueries, Coordinate, Key, OffsetBlock, Window
from railhead.audit.records.evidence import Evidence, judge
from railhead.audit.records.kafka_log import KafkaLog, Position, Record, incarnation_of, logs_of
from railhead.audit.records.other_rules import coordinates_by_other_rules
from railhead.audit.records.record_keys import homes_of, keys_of, refused_of, say_the_same

# At most so many single records are fetched to tell a conflict from a repeat; each is a seek.
MOST_COMPARED = 500


@dataclass(slots=True)
class Examination:
    """What came of one block: `empty` offsets have no record, `copies` are surplus rows."""

    findings: list[AuditFinding] = field(default_factory=list)
    empty: int = 0
    superseded: int = 0
    copies: int = 0


class Examiner:
    """Examines blocks of one topic, one at a time."""

    def __init__(
        self,
        queries: AuditQueries,
        log: KafkaLog,
        *,
        window: Window,
        positions: Mapping[int, Position],
        rules: IdRules,
    ) -> None:
        self._queries = queries
        self._log = log
        self._window = window
        self._positions = positions
        self._rules = rules
        self.topic = window.topic_table.topic
        self._at = partial(AuditFinding.about, self.topic)
        self._dead_letters_underway: set[tuple[int, int]] | None = None

    async def examine(self, block: OffsetBlock, *, fully: bool) -> Examination:
        """Explain *block*, or name what is wrong with it; *fully* reads its records in any case."""
        result = Examination()
        strangers = block.rows > block.offsets and self._copies(block, result)
        fully = fully or strangers or not block.has_its_rows
        if fully or not await self._is_even(block, result):
            await self._records(block, result)
        return result

    def _copies(self, block: OffsetBlock, result: Examination) -> bool:
        """Report records with several rows; returns whether some have rows of several ids."""
        result.copies = block.rows - block.offsets
        copies = self._queries.copies_of(self._window, block.partition, block.span)
        for kind, differ in ((FindingKind.COPIES, False), (FindingKind.ALTERED, True)):
            same = [one for one in copies if one.differ == differ and one.ids == 1]
            for span in spans(one.offset for one in same):
                rows = sum(one.rows for one in same if span.first <= one.offset <= span.last)
                text = f"{rows:,} rows of {span.size:,} records"
                result.findings.append(self.finding(kind, block, span, text))
        return any(one.ids > 1 for one in copies)

    async def _is_even(self, block: OffsetBlock, result: Examination) -> bool:
        """Whether there are as many records as outcomes, where these are fewer than offsets."""
        if block.is_full:
            return True
        records = sum([len(batch) async for batch in self._read(block)])
        if self._uneven(block, records):
            return False
        result.empty = block.span.size - block.reported.records
        return True

    def _uneven(self, block: OffsetBlock, records: int) -> list[AuditFinding]:
        kept_from = self._positions[block.partition].start
        reported = f"the ledger has {block.reported.records:,} records"
        if kept_from <= block.span.first:
            if records == block.reported.records:
                return []
            text = f"{reported}, Kafka has {records:,}"
            return [self.finding(FindingKind.MISCOUNTED, block, block.span, text)]
        if block.reported.records > block.span.size:
            text = f"{reported} at {block.span.size:,} offsets"
            return [self.finding(FindingKind.MISCOUNTED, block, block.span, text)]
        text = f"{reported} at {block.span.size:,} offsets; Kafka keeps records from {kept_from} on"
        return [self.finding(FindingKind.UNPROVEN, block, block.span, text)]

    def _read(self, block: OffsetBlock) -> AsyncIterator[list[Record]]:
        first = max(self._positions[block.partition].start, block.span.first)
        return self._log.records(self.topic, block.partition, Span(first, block.span.last))

    async def _records(self, block: OffsetBlock, result: Examination) -> None:
        kept_from = self._positions[block.partition].start
        keys: dict[int, Key | None] = {}
        moving: set[int] = set()
        async for batch in self._read(block):
            keys |= keys_of(
                self.topic, block.partition, batch, self._rules, self._window.incarnation
            )
            if block.reported.moved:
                moving |= self._moving(block, batch)
        evidence = replace(await self._evidence(block, keys, kept_from), moving=moving)
        evidence = await self._with_other_rules(block, evidence)
        result.findings += judge(evidence) + await self._conflicts(evidence)
        if not block.is_full:
            result.findings += self._uneven(block, len(keys))
        result.empty = block.span.size - block.reported.records
        result.superseded = evidence.superseded

    async def _with_other_rules(self, block: OffsetBlock, evidence: Evidence) -> Evidence:
        """*evidence* with rows whose id was made by another rule than the record's present one.

        The records are read once more: their values together may be far more than can be held.
        """
        event_type = BY_TOPIC.get(self.topic)
        missing = {
            offset: key
            for offset, key in evidence.keys.items()
            if event_type is not None
            and key is not None
            and key not in evidence.elsewhere
            and not evidence.is_kept(offset)
            and self._rules.has_changed(key[0], event_type)
        }
        if not missing:
            return evidence
        found: dict[Key, Coordinate] = {}
        async for batch in self._read(block):
            some = [(missing[one.offset], one.value) for one in batch if one.offset in missing]
            found |= coordinates_by_other_rules(
                self._queries, self._window.topic_table, some, self._rules
            )
        return replace(evidence, elsewhere={**evidence.elsewhere, **found})

    def _moving(self, block: OffsetBlock, batch: list[Record]) -> set[int]:
        """Records that were moved to a partition that is not wholly in the ledger yet."""
        homes = homes_of(self.topic, batch, self._rules, len(self._positions))
        busy = {
            number
            for number, position in self._positions.items()
            if position.end > self._window.ends.get(number, 0)
        }
        return {at for at, home in homes.items() if home != block.partition and home in busy}

    async def _evidence(
        self, block: OffsetBlock, keys: dict[int, Key | None], kept_from: int
    ) -> Evidence:
        rows = self._queries.rows_of(self._window, block.partition, block.span)
        evidence = Evidence(
            topic=self.topic,
            partition=block.partition,
            span=block.span,
            reported=block.reported,
            kept_from=kept_from,
            keys=keys,
            rows=rows,
            conflicts=self._kept("conflicts", block),
            rejected=self._kept("rejected", block),
        )
        some = [key for at, key in keys.items() if key is not None and not evidence.is_kept(at)]
        if len(rows) > block.reported.stored:
            some += [key for found in rows.values() for key in found]
        evidence = replace(
            evidence, elsewhere=self._queries.coordinates_of(self._window.topic_table, some)
        )
        if len(evidence.rejected) < block.reported.rejected:
            evidence = replace(evidence, underway=await self._underway(block))
        return evidence

    def _kept(self, table: str, block: OffsetBlock) -> set[int]:
        if not self._window.topic_table.has_kept:
            return set()
        return self._queries.kept_of(table, self._window, block.partition, block.span)

    async def _underway(self, block: OffsetBlock) -> set[int]:
        """Records of *block* whose dead letter is in Kafka and not yet in the table."""
        if self._dead_letters_underway is None:
            self._dead_letters_underway = await self._read_dead_letters()
        return {
            offset
            for partition, offset in self._dead_letters_underway
            if partition == block.partition and block.span.first <= offset <= block.span.last
        }

    async def _read_dead_letters(self) -> set[tuple[int, int]]:
        positions = (await self._log.positions([REJECTED_TOPIC])).get(REJECTED_TOPIC, {})
        incarnation = incarnation_of(positions)
        dead_letters = self._queries.window(REJECTED_TOPIC, 0, logs_of(positions), incarnation)
        found: set[tuple[int, int]] = set()
        for number, position in positions.items():
            span = Span(max(dead_letters.ends.get(number, 0), position.start), position.end - 1)
            async for batch in self._log.records(REJECTED_TOPIC, number, span):
                for topic, partition, offset, of in refused_of(number, batch, incarnation):
                    if topic == self.topic and of in {"", self._window.incarnation}:
                        found.add((partition, offset))
        return found

    async def _conflicts(self, evidence: Evidence) -> list[AuditFinding]:
        """Name records whose conflict is not kept: repeats that differ from the row's record.

        They are missing in `conflicts`, or were stored and replaced by the first of their id, which
        came through another partition or too long ago for the dedup index.
        """
        missing = evidence.reported.conflicts > len(evidence.conflicts)
        if not missing and not evidence.superseded:
            return []
        if len(evidence.repeats) > MOST_COMPARED:
            text = f"{len(evidence.repeats):,} records whose id has another row, not compared"
            return [self._at(FindingKind.UNPROVEN, evidence.partition, evidence.span, text)]
        kind = FindingKind.CONFLICT_MISSING if missing else FindingKind.HIDDEN
        text = "repeats an id with other content, not in conflicts"
        found = []
        for offset in evidence.repeats:
            key = evidence.keys[offset]
            first = await self._value_at(*evidence.elsewhere[key]) if key else None
            value = await self._read_value(evidence.partition, offset) if first else None
            if value is not None and not say_the_same(self.topic, value, first):
                found.append(self._at(kind, evidence.partition, offset, text, key))
        return found

    async def hidden(self, tenant: str) -> list[AuditFinding]:
        """Name rows that differ from the first of their id and will be merged away."""
        found = []
        rows = (
            self._queries.hidden(self._window, tenant) if self._window.topic_table.has_kept else []
        )
        text = "a row of other content than the first of its id, not in conflicts"
        for index, (key, first, other) in enumerate(rows):
            if index < MOST_COMPARED and await self._are_the_same(first, other):
                continue
            found.append(self._at(FindingKind.HIDDEN, other[0], other[1], text, key))
        return found

    async def _are_the_same(self, one: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
        """Whether Kafka shows that two rows differ in how their records were written only."""
        values = [await self._value_at(self.topic, *row) for row in (one, other)]
        return None not in values and say_the_same(self.topic, *values)

    async def _value_at(
        self, topic: str, partition: int, offset: int, incarnation: str
    ) -> bytes | None:
        position = self._positions.get(partition)
        if topic != self.topic or incarnation not in {"", self._window.incarnation}:
            return None
        if position is None or not position.start <= offset < position.end:
            return None
        return await self._read_value(partition, offset)

    async def _read_value(self, partition: int, offset: int) -> bytes | None:
        async for batch in self._log.records(self.topic, partition, Span(offset, offset)):
            value: bytes | None = batch[0].value
            return value
        return None

    def finding(self, kind: FindingKind, block: OffsetBlock, span: Span, text: str) -> AuditFinding:
        """The finding about some offsets of *block*."""
        return self._at(kind, block.partition, span, text)
