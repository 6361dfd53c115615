"""Judges sample items or records without a stack, as the ingest API and the workers do.

Also between the samples: the first one of an id counts, a later one is a duplicate of it, or a
conflict with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from events.check.check import check_items, check_records
from events.check.result import Checked, CheckedType, Rejection
from events.contract.id_rules import DEFAULT_RULES, IdRules
from events.contract.reasons import BY_CODE
from events.contract.registry import EventType

BAD: Final = frozenset({"rejected", "conflict"})
CONFLICT_ADVICE: Final = "send it with an id of its own; of one id only the first content counts"


class Sample(NamedTuple):
    """An item or a record's value as it is in the file, counted from 1."""

    position: int
    raw: bytes


class SampleOutcome(NamedTuple):
    """What becomes of a sample: valid, duplicate, conflict or rejected.

    `id` and `key` (of a Kafka record) are empty for a rejected one; `first` is the sample that a
    duplicate or conflict repeats; `adjusted` names values that are not stored exactly as sent.
    """

    position: int
    outcome: str
    event: str
    id: str = ""
    key: str = ""
    first: int | None = None
    reason: str = ""
    field: str = ""
    message: str = ""
    what_to_do: str = ""
    adjusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleOwner:
    """Whose samples they are: what a tenant may have of its own; without a name the contract's."""

    tenant: str = ""
    rules: IdRules = DEFAULT_RULES
    coerce_ids: bool = False


class SampleCheck:
    """Checks samples in order; the records of topic *of*, or whole items where it is None."""

    def __init__(self, owner: SampleOwner, of: EventType | None) -> None:
        self._owner = owner
        self._of = of
        # By event and id: where it came first, and what it was.
        self._seen: dict[tuple[str, str], tuple[int, int]] = {}

    def outcomes(self, samples: Sequence[Sample]) -> list[SampleOutcome]:
        """The outcome of each of *samples*, which follow those of the call before."""
        checked = self._checked([sample.raw for sample in samples])
        found = [_rejected(samples[one.position].position, one) for one in checked.rejected]
        for accepted in checked.accepted:
            found += self._accepted(samples, accepted)
        return sorted(found, key=lambda one: one.position)

    def _checked(self, raws: list[bytes]) -> Checked:
        owner = self._owner
        tenant = owner.tenant or None
        if self._of is None:
            return check_items(raws, tenant=tenant, rules=owner.rules, coerce_ids=owner.coerce_ids)
        return check_records(self._of, raws, owners=[(tenant, None)] * len(raws), rules=owner.rules)

    def _accepted(
        self, samples: Sequence[Sample], accepted: CheckedType
    ) -> Iterator[SampleOutcome]:
        event, adjusted = accepted.type.name, dict[int, list[str]]()
        for at, adjustment in accepted.adjusted:
            adjusted.setdefault(at, []).append(adjustment.value)
        rows = zip(
            accepted.positions,
            accepted.ids,
            accepted.home_ids,
            accepted.fingerprints().tolist(),
            strict=True,
        )
        for at, one, home, fingerprint in rows:
            position = samples[at].position
            first, content = self._seen.setdefault((event, one), (position, fingerprint))
            outcome = "valid"
            if first != position:
                outcome = "duplicate" if content == fingerprint else "conflict"
            yield SampleOutcome(
                position,
                outcome,
                event,
                id=one,
                key=f"{self._owner.tenant or 'TENANT'}:{home}",
                first=None if first == position else first,
                what_to_do=CONFLICT_ADVICE if outcome == "conflict" else "",
                adjusted=tuple(adjusted.get(at, ())),
            )


def _rejected(position: int, rejection: Rejection) -> SampleOutcome:
    what_to_do = BY_CODE[rejection.reason].remedy
    return SampleOutcome(
        position,
        "rejected",
        rejection.event or "",
        reason=rejection.reason,
        field=rejection.field or "",
        message=rejection.message.removesuffix(f"; {what_to_do}"),
        what_to_do=what_to_do,
    )
