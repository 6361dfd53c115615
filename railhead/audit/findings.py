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
    """Kinds of findings, each with its `meaning`."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """A kind that is shown as *value*."""
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.meaning = meaning
        return kind

    GAP = "gap", "records that no range of the ledger covers"
    OVERLAP = "overlap", "a range that overlaps others and joins nothing"
    MISCOUNTED = "miscounted", "a range with fewer or more outcomes than records"
    LOST = "lost", "a valid record whose id has no row"
    REJECT_MISSING = "reject missing", "a rejected record that is not in `rejected`"
    CONFLICT_MISSING = "conflict missing", "a conflicting record that is not in `conflicts`"
    HIDDEN = (
        "hidden content",
        "other content of an id that no view shows and that is not in `conflicts`",
    )
    SHORT = "short", "a range with fewer or more rows than the ledger has"
    FOREIGN = "foreign", "a row that comes from no record of the topic"
    TWO_OUTCOMES = "two fates", "a record that is kept in two tables"
    MERGED = "merged away", "different rows with the same key: a merge keeps one of them"
    ALTERED = "altered copy", "rows of one record that differ"
    SHOWN_TWICE = "shown twice", "an id with more than one visible row"
    VIEW = "view", "a view that does not show what its table holds"
    EXPIRED = "expired", "records that Kafka deleted before they were read"
    RECREATED = (
        "recreated",
        "a ledger that ends past the log's end: its tail was lost, or it is new",
    )
    UNPROVEN = "unproven", "what cannot be proved, as Kafka no longer keeps the records"
    OTHER_INCARNATION = "other life", "ranges of an earlier topic of the same name"
    COPIES = "copies", "rows stored twice, by a repeated or late write; the views show them once"
    LATE = "late", "a range written late by a paused worker; the ledger's view hides it"


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
    def about(  # noqa: PLR0913, PLR0917 - a finding and what it is about
        cls,
        topic: str,
        kind: FindingKind,
        partition: int,
        span: Span | int,
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
