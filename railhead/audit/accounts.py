"""The account of a topic: sums over its partitions, and whether it balances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from railhead.audit.findings import AuditFinding
from streams.judge.outcomes import NOTHING, OutcomeCounts, sum_of


@dataclass(slots=True)
class PartitionAccount:
    """One partition: offsets from `first` to before `end`, of which `reported` are in the ledger.

    `committed` is the group's, None when it has none, and `kept_from` the first offset that Kafka
    still has. `empty` counts offsets in the ledger's ranges that have no record (transaction
    markers), `in_flight` what is not in the ledger yet.
    """

    partition: int
    first: int
    end: int
    committed: int | None
    ranges: int = 0
    counts: OutcomeCounts = NOTHING
    empty: int = 0
    superseded: int = 0
    copies: int = 0
    in_flight: int = 0
    kept_from: int = 0

    @property
    def offsets(self) -> int:
        """How many offsets were written to the log in the window."""
        return self.end - self.first

    @property
    def adds_up(self) -> bool:
        """Whether accepted = stored + duplicates + conflicts + rejected + moved + in flight."""
        return self.offsets == self.counts.records + self.empty + self.in_flight


@dataclass(slots=True)
class TopicAccount:
    """One topic: its partitions and what was found.

    For the topic of dead letters, `kept` is how many rejected items the table has: each once,
    however often it was reported. With None the ledger's count stands.
    """

    topic: str
    partitions: list[PartitionAccount] = field(default_factory=list)
    findings: list[AuditFinding] = field(default_factory=list)
    kept: int | None = None

    @property
    def counts(self) -> OutcomeCounts:
        """The outcomes of all its records."""
        return sum_of(one.counts for one in self.partitions)

    def total(self, name: str) -> int:
        """The sum of one field of `PartitionAccount` over all partitions."""
        return sum(int(getattr(one, name)) for one in self.partitions)

    @property
    def faults(self) -> list[AuditFinding]:
        """The findings that mean that the account does not balance."""
        return [one for one in self.findings if one.is_fault]

    @property
    def summary(self) -> str:
        """The account in a few words."""
        if self.faults:
            return f"{len(self.faults):,} fault{'s'[: len(self.faults) > 1]}"
        return "balanced"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "topic": self.topic,
            "balanced": not self.faults,
            "partitions": [_as_dict(one) for one in self.partitions],
        }


def _as_dict(one: PartitionAccount) -> dict[str, Any]:
    return {
        "partition": one.partition,
        "first": one.first,
        "end": one.end,
        "committed": one.committed,
        "offsets": one.offsets,
        "ranges": one.ranges,
        **one.counts._asdict(),
        "without_record": one.empty,
        "superseded": one.superseded,
        "copies": one.copies,
        "in_flight": one.in_flight,
    }


def is_balanced(accounts: Sequence[TopicAccount]) -> bool:
    """Whether no topic has a fault."""
    return not any(account.faults for account in accounts)
