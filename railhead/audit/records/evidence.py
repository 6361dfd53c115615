"""Decides the outcome of each record of a block from the records, the rows and the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from railhead.audit.chain import Span, spans
from railhead.audit.findings import AuditFinding, FindingKind
from railhead.audit.queries import Coordinate, Key
from streams.judge.outcomes import OutcomeCounts

SHOWN: Final = 20

Sets = frozenset[int] | set[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known of a block.

    `keys` are the records that Kafka still has: the key of each one's row, None if the contract
    rejects it. They are complete from offset `kept_from` on. `rows` are the keys of the rows stored
    for each offset, `conflicts` and `rejected` the offsets kept there. `elsewhere` says where
    the row of a key is; `underway` are rejected records whose dead letter is not stored yet, and
    `moving` those sent on to a partition that is not done yet.
    """

    topic: str
    partition: int
    span: Span
    reported: OutcomeCounts
    kept_from: int
    keys: Mapping[int, Key | None]
    rows: Mapping[int, set[Key]]
    conflicts: Sets = frozenset()
    rejected: Sets = frozenset()
    elsewhere: Mapping[Key, Coordinate] = field(default_factory=dict)
    underway: Sets = frozenset()
    moving: Sets = frozenset()

    @property
    def is_whole(self) -> bool:
        """Whether Kafka still has every record of the block."""
        return self.kept_from <= self.span.first

    @property
    def repeats(self) -> list[int]:
        """Records without a row of their own whose id has one."""
        return [
            offset
            for offset, key in self.keys.items()
            if key is not None and key in self.elsewhere and not self.is_kept(offset)
        ]

    @property
    def superseded(self) -> int:
        """How many stored records were replaced by an earlier one of their id, as tables keep one.

        The earlier one came through another partition, or too long ago for the dedup index.
        """
        unkept = max(0, self.reported.conflicts - len(self.conflicts))
        return max(0, len(self.repeats) - self.reported.duplicates - self.reported.moved - unkept)

    def is_kept(self, offset: int) -> bool:
        """Whether some table has a row of the record at *offset*."""
        return offset in self.rows or offset in self.conflicts or offset in self.rejected


def judge(evidence: Evidence) -> list[AuditFinding]:
    """Name every record with no outcome or with two, and every row without a record."""
    found = [*_records(evidence), *_rows(evidence), *_missing_conflicts(evidence)]
    return found or list(_numbers(evidence))


def _records(evidence: Evidence) -> Iterator[AuditFinding]:
    for offset, key in evidence.keys.items():
        tables = _tables(evidence, offset)
        if len(tables) > 1:
            text = f"kept in {' and '.join(tables)}"
            yield _finding(evidence, FindingKind.TWO_OUTCOMES, offset, text, key)
        elif tables or offset in evidence.underway or offset in evidence.moving:
            continue
        elif key is None:
            text = "rejected by the contract, not in rejected"
            yield _finding(evidence, FindingKind.REJECT_MISSING, offset, text)
        elif key not in evidence.elsewhere:
            yield _finding(evidence, FindingKind.LOST, offset, "valid, and no row has its id", key)


def _tables(evidence: Evidence, offset: int) -> list[str]:
    kept = {
        "its table": offset in evidence.rows,
        "conflicts": offset in evidence.conflicts,
        "rejected": offset in evidence.rejected,
    }
    return [name for name, there in kept.items() if there]


def _rows(evidence: Evidence) -> Iterator[AuditFinding]:
    for offset, keys in sorted(evidence.rows.items()):
        if offset < evidence.kept_from:
            foreign = sorted(keys)[1:]
        else:
            foreign = sorted(keys - {evidence.keys.get(offset)})
        for key in foreign:
            text = (
                "a row with another id than its record's"
                if offset in evidence.keys
                else "a row of no record: there is none at this offset"
            )
            yield _finding(evidence, FindingKind.FOREIGN, offset, text, key)
    for name, offsets in (("conflicts", evidence.conflicts), ("rejected", evidence.rejected)):
        for offset in sorted(offsets):
            if offset >= evidence.kept_from and offset not in evidence.keys:
                text = f"a row in {name} of no record"
                yield _finding(evidence, FindingKind.FOREIGN, offset, text)


def _missing_conflicts(evidence: Evidence) -> Iterator[AuditFinding]:
    if len(evidence.conflicts) < evidence.reported.conflicts:
        there = len(evidence.conflicts)
        text = f"the ledger has {evidence.reported.conflicts:,}, conflicts has {there:,}"
        yield _finding(evidence, FindingKind.CONFLICT_MISSING, evidence.span, text)


def _numbers(evidence: Evidence) -> Iterator[AuditFinding]:
    """What is left when nothing was found record by record: numbers that do not fit."""
    reported = evidence.reported
    has = {
        "stored": len(evidence.rows) + (evidence.superseded if evidence.is_whole else 0),
        "conflicts": len(evidence.conflicts),
        "rejected": len(evidence.rejected) + len(evidence.underway - set(evidence.rejected)),
    }
    wrong = [
        f"{outcome}: the ledger has {getattr(reported, outcome):,}, there are {number:,}"
        for outcome, number in has.items()
        if getattr(reported, outcome) != number
    ]
    if not wrong:
        return
    if evidence.is_whole:
        kind, more = FindingKind.SHORT, [*_candidates(evidence)]
    else:
        kind, more = FindingKind.UNPROVEN, [f"Kafka keeps records from {evidence.kept_from} on"]
    yield _finding(evidence, kind, evidence.span, "; ".join([*wrong, *more]))


def _candidates(evidence: Evidence) -> Iterator[str]:
    """Which rows may be the surplus: those that another row of their id replaces."""
    replaced = [
        offset
        for offset, keys in evidence.rows.items()
        for key in keys
        if key in evidence.elsewhere
        and evidence.elsewhere[key][:3] != (evidence.topic, evidence.partition, offset)
    ]
    if len(evidence.rows) > evidence.reported.stored and replaced:
        shown = ", ".join(map(str, spans(replaced)[:SHOWN]))
        yield f"rows whose id has an earlier row: {shown}"


def _finding(
    evidence: Evidence, kind: FindingKind, span: Span | int, text: str, key: Key | None = None
) -> AuditFinding:
    return AuditFinding.about(evidence.topic, kind, evidence.partition, span, text, key)
