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

from railhead.accounting.chain import Span


class Kind(StrEnum):
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
    TWO_FATES = "two fates"
    MERGED = "merged away"
    ALTERED = "altered copy"
    SHOWN_TWICE = "shown twice"
    VIEW = "view"
    EXPIRED = "expired"
    RECREATED = "recreated"
    UNPROVEN = "unproven"
    OTHER_LIFE = "other life"
    COPIES = "copies"
    LATE = "late"


MEANINGS: Final[dict[Kind, str]] = {
    Kind.GAP: "records that no range of the ledger covers",
    Kind.OVERLAP: "a range that overlaps others and joins nothing",
    Kind.MISCOUNTED: "a range whose fates are not as many as its records",
    Kind.LOST: "a valid record whose id has no row",
    Kind.REJECT_MISSING: "a refused record that is not in `rejected`",
    Kind.CONFLICT_MISSING: "a conflicting record that is not in `conflicts`",
    Kind.HIDDEN: "other content of an id that no view shows and that is not in `conflicts`",
    Kind.SHORT: "a range with fewer or more rows than the ledger tells",
    Kind.FOREIGN: "a row that no record of the topic became",
    Kind.TWO_FATES: "a record that is kept in two places",
    Kind.MERGED: "rows that are not the same and share their key: a merge keeps one of them",
    Kind.ALTERED: "rows of one record that differ",
    Kind.SHOWN_TWICE: "an id with more than one visible row",
    Kind.VIEW: "a view that does not show what its table holds",
    Kind.EXPIRED: "records that Kafka deleted before they were read",
    Kind.RECREATED: "a ledger that reaches past the log's end: the log lost its tail, or is new",
    Kind.UNPROVEN: "what cannot be proved, as Kafka no longer keeps the records",
    Kind.OTHER_LIFE: "ranges of an earlier topic of the same name",
    Kind.COPIES: "rows stored twice, by a repeated or late write; the views show them once",
    Kind.LATE: "a range written late by a worker that was paused; the ledger's view hides it",
}
REMARKS: Final = frozenset({Kind.OTHER_LIFE, Kind.COPIES, Kind.LATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found at one place; `tenant` and `id_hash` where one record is meant."""

    kind: Kind
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


def concerning(findings: Iterable[Finding], tenant: str | None) -> list[Finding]:
    """Leave out what is surely about another tenant's record."""
    return [one for one in findings if not tenant or one.tenant in {"", tenant}]
