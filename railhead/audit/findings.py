"""The closed list of what an audit can find, each with its meaning.

A *fault* means that an account does not balance. A *remark* is something that happened and does no
harm: the views still show the right rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from railhead.audit.chain import Span


class FindingKind(StrEnum):
    """Kinds of findings; `MEANINGS` explains each."""

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
    FindingKind.MISCOUNTED: "a range with fewer or more outcomes than records",
    FindingKind.LOST: "a valid record whose id has no row",
    FindingKind.REJECT_MISSING: "a rejected record that is not in `rejected`",
    FindingKind.CONFLICT_MISSING: "a conflicting record that is not in `conflicts`",
    FindingKind.HIDDEN: "other content of an id that no view shows and that is not in `conflicts`",
    FindingKind.SHORT: "a range with fewer or more rows than the ledger has",
    FindingKind.FOREIGN: "a row that comes from no record of the topic",
    FindingKind.TWO_OUTCOMES: "a record that is kept in two tables",
    FindingKind.MERGED: "different rows with the same key: a merge keeps one of them",
    FindingKind.ALTERED: "rows of one record that differ",
    FindingKind.SHOWN_TWICE: "an id with more than one visible row",
    FindingKind.VIEW: "a view that does not show what its table holds",
    FindingKind.EXPIRED: "records that Kafka deleted before they were read",
    FindingKind.RECREATED: "a ledger that ends past the log's end: its tail was lost, or it is new",
    FindingKind.UNPROVEN: "what cannot be proved, as Kafka no longer keeps the records",
    FindingKind.OTHER_INCARNATION: "ranges of an earlier topic of the same name",
    FindingKind.COPIES: "rows stored twice, by a repeated or late write; the views show them once",
    FindingKind.LATE: "a range written late by a paused worker; the ledger's view hides it",
}
REMARKS: Final = frozenset({FindingKind.OTHER_INCARNATION, FindingKind.COPIES, FindingKind.LATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFinding:
    """One finding and its offsets; `tenant` and `id_hash` where it is about one record."""

    kind: FindingKind
    topic: str
    partition: int
    span: Span
    text: str
    tenant: str = ""
    id_hash: str = ""

    @classmethod
    def about(  # noqa: PLR0913 - a finding and what it is about
        cls,
        kind: FindingKind,
        topic: str,
        partition: int,
        span: Span | int,
        *,
        text: str,
        key: Sequence[Any] | None = None,
    ) -> Self:
        """The finding about *span* or one offset; *key* is a tenant and the parts of an id."""
        tenant, *rest = key or ("",)
        return cls(
            kind=kind,
            topic=topic,
            partition=partition,
            span=Span(span, span) if isinstance(span, int) else span,
            text=text,
            tenant=str(tenant),
            id_hash=hash_of_id(str(tenant), "|".join(map(str, rest))) if rest else "",
        )

    @property
    def is_fault(self) -> bool:
        """Whether it means that the account does not balance."""
        return self.kind not in REMARKS

    @property
    def coordinate(self) -> str:
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
    """Name an id without revealing it: 12 hexadecimal digits of SHA-256 of tenant, NUL, id."""
    return hashlib.sha256(f"{tenant}\0{id_}".encode()).hexdigest()[:12]


def concerning(findings: Iterable[AuditFinding], tenant: str | None) -> list[AuditFinding]:
    """Leave out what is certainly about another tenant's record."""
    return [one for one in findings if not tenant or one.tenant in {"", tenant}]
