"""What can be wrong with the books? The closed list of findings, each with what it means.

A *fault* means that the books do not balance. A *remark* is something that happened and does no
harm: the views show the right rows all the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from railhead.audit.chain import Span


class FindingKind(StrEnum):
    """Kinds of findings; `MEANINGS` tells each."""

    GAP = "gap"
    OVERLAP = "overlap"
    MISCOUNTED = "miscounted"
    LOST = "lost"
    REJECT_MISSING = "reject missing"
    CONFLICT_MISSING = "conflict missing"
    HIDDEN = "hidden content"
    SHORT = "short"
    FOREIGN = "foreign"
    TWO_OUTCOMES = "two fates"
    MERGED = "merged away"
    ALTERED = "altered copy"
    SHOWN_TWICE = "shown twice"
    VIEW = "view"
    EXPIRED = "expired"
    RECREATED = "recreated"
    UNPROVEN = "unproven"
    OTHER_INCARNATION = "other life"
    COPIES = "copies"
    LATE = "late"


MEANINGS: Final[dict[FindingKind, str]] = {
    FindingKind.GAP: "records that no range of the ledger covers",
    FindingKind.OVERLAP: "a range that overlaps others and joins nothing",
    FindingKind.MISCOUNTED: "a range whose fates are not as many as its records",
    FindingKind.LOST: "a valid record whose id has no row",
    FindingKind.REJECT_MISSING: "a refused record that is not in `rejected`",
    FindingKind.CONFLICT_MISSING: "a conflicting record that is not in `conflicts`",
    FindingKind.HIDDEN: "other content of an id that no view shows and that is not in `conflicts`",
    FindingKind.SHORT: "a range with fewer or more rows than the ledger tells",
    FindingKind.FOREIGN: "a row that no record of the topic became",
    FindingKind.TWO_OUTCOMES: "a record that is kept in two places",
    FindingKind.MERGED: "rows that are not the same and share their key: a merge keeps one of them",
    FindingKind.ALTERED: "rows of one record that differ",
    FindingKind.SHOWN_TWICE: "an id with more than one visible row",
    FindingKind.VIEW: "a view that does not show what its table holds",
    FindingKind.EXPIRED: "records that Kafka deleted before they were read",
    FindingKind.RECREATED: "a ledger that reaches past the log's end: the log lost its tail, or is new",
    FindingKind.UNPROVEN: "what cannot be proved, as Kafka no longer keeps the records",
    FindingKind.OTHER_INCARNATION: "ranges of an earlier topic of the same name",
    FindingKind.COPIES: "rows stored twice, by a repeated or late write; the views show them once",
    FindingKind.LATE: "a range written late by a worker that was paused; the ledger's view hides it",
}
REMARKS: Final = frozenset({FindingKind.OTHER_INCARNATION, FindingKind.COPIES, FindingKind.LATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFinding:
    """One thing found at one place; `tenant` and `id_hash` where one record is meant."""

    kind: FindingKind
    topic: str
    partition: int
    span: Span
    text: str
    tenant: str = ""
    id_hash: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether the books do not balance."""
        return self.kind not in REMARKS

    @property
    def place(self) -> str:
        """Topic, partition and offsets."""
        return f"{self.topic}[{self.partition}] @ {self.span}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": str(self.kind),
            "fault": self.is_fault,
            "topic": self.topic,
            "partition": self.partition,
            "first": self.span.first,
            "last": self.span.last,
            "tenant": self.tenant or None,
            "id_hash": self.id_hash or None,
            "text": self.text,
        }


def hash_of_id(tenant: str, id_: str) -> str:
    """Name an id without telling it: 12 hexadecimal digits of SHA-256 of tenant, NUL, id."""
    return hashlib.sha256(f"{tenant}\0{id_}".encode()).hexdigest()[:12]


def concerning(findings: Iterable[AuditFinding], tenant: str | None) -> list[AuditFinding]:
    """Leave out what is surely about another tenant's record."""
    return [one for one in findings if not tenant or one.tenant in {"", tenant}]
