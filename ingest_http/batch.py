"""What becomes of each item of a body? Cut apart, checked alone, made into records; no I/O."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from events.check.check import check_items
from events.check.result import Checked, CheckedType, Rejection
from events.check.split import NotABatch, split
from events.contract.adjustments import Adjustment
from events.contract.id_rules import IdRules
from events.contract.registry import REJECTED_TOPIC
from ingest_http.answers import NOT_A_BATCH, TOO_MANY_ITEMS, ApiError
from ingest_http.body.item_count import has_more_items
from ingest_http.dead_letters import RequestOrigin, reject_records
from ingest_http.publish.publisher import Headers, RecordGroup, Value

# Checking takes about 2 µs an item; other requests get their turn between slices.
SLICE_ITEMS: Final = 2_500
# What is held for an item beside its text: key, id, position and the objects around them; and for
# a rejected one its reason, beside the dead letter itself; and for one that is reported.
ITEM_BYTES: Final = 256
REJECTION_BYTES: Final = 512
REPORT_BYTES: Final = 768


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How a tenant's items are read, and whether an outcome is reported for each."""

    rules: IdRules
    coerce_ids: bool
    reports: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """Valid items of one type: where they stand in the body, and their idempotency ids.

    `adjusted` says by position what will be stored otherwise than it was sent.
    """

    event: str
    positions: Sequence[int]
    ids: Sequence[str]
    adjusted: Sequence[tuple[int, Adjustment]] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    """Refused items: where they stand in the body, and why."""

    positions: Sequence[int]
    rejections: Sequence[Rejection]


@dataclass(slots=True)
class CheckedBatch:
    """A checked body. The n-th lot's records are those of the n-th group, in order.

    It holds nothing of the body but the records, and these only until they are taken: bodies wait
    for Kafka by the hundred, and what was decoded of one is many times its size.
    """

    size: int
    groups: list[Taken | Dropped] = field(default_factory=list)
    record_groups: list[RecordGroup] = field(default_factory=list)

    def take_groups(self) -> list[RecordGroup]:
        """Give the records away."""
        record_groups, self.record_groups = self.record_groups, []
        return record_groups

    def not_stored_ids(self, not_stored: Sequence[tuple[int, int]]) -> list[str]:
        """The ids of the records at (lot, place), each once."""
        return list(dict.fromkeys(self._ids_at(not_stored)))

    def positions(self, not_stored: Sequence[tuple[int, int]]) -> list[int]:
        """The positions in the body of the records at (lot, place)."""
        return sorted(
            self.groups[record_group].positions[index] for record_group, index in not_stored
        )

    def _ids_at(self, not_stored: Sequence[tuple[int, int]]) -> Iterator[str]:
        for record_group, index in not_stored:
            group = self.groups[record_group]
            if isinstance(group, Taken):
                yield group.ids[index]


def split_items(body: bytes | bytearray, most_items: int) -> list[msgspec.Raw]:
    """Cut the JSON array *body* into its items.

    Raises:
        DoorError: 422 if it is no JSON array, 413 if it has more than *most_items*.
    """
    if has_more_items(body, most_items):
        raise _too_many(f"more than {most_items:,}", most_items)
    try:
        raws = split(body, max_items=sys.maxsize)
    except NotABatch as error:
        raise ApiError(NOT_A_BATCH, _sentence(str(error))) from None
    if len(raws) > most_items:
        raise _too_many(f"{len(raws):,}", most_items)
    return raws


async def check(
    raws: Sequence[msgspec.Raw],
    reading: CheckOptions,
    origin: RequestOrigin,
    hold: Callable[[int], None],
) -> CheckedBatch:
    """Check every item of *raws* alone and make the records of all of them.

    *hold* is called with the bytes that these take beside the body, as they become more; it may
    raise.
    """
    batch = CheckedBatch(len(raws))
    held = 0
    for start in range(0, len(raws), SLICE_ITEMS):
        if start:
            await asyncio.sleep(0)
        batch_part = raws[start : start + SLICE_ITEMS]
        checked = check_items(
            batch_part, tenant=origin.tenant, rules=reading.rules, coerce_ids=reading.coerce_ids
        )
        each = ITEM_BYTES + REPORT_BYTES * reading.reports
        held += each * len(batch_part) + _add(batch, checked, batch_part, start, origin)
        hold(held)
    return batch


def _add(
    batch: CheckedBatch,
    checked: Checked,
    raws: Sequence[msgspec.Raw],
    start: int,
    origin: RequestOrigin,
) -> int:
    """Add the records of some items; returns the bytes of those that are no part of the body."""
    headers = record_headers(origin)
    for accepted in checked.accepted:
        batch.record_groups.append(accepted_group(accepted, raws, headers, origin.tenant))
        positions = _shifted(accepted.positions, start)
        adjusted = [(start + position, one) for position, one in accepted.adjusted]
        batch.groups.append(Taken(accepted.type.name, positions, accepted.ids, adjusted))
    if checked.rejected:
        values = reject_records(checked.rejected, raws, start, origin)
        keys = [origin.tenant.encode()] * len(values)
        batch.record_groups.append(RecordGroup(REJECTED_TOPIC, keys, values, headers))
        positions = [start + rejection.position for rejection in checked.rejected]
        batch.groups.append(Dropped(positions, checked.rejected))
        return sum(map(len, values)) + REJECTION_BYTES * len(values)
    return 0


def _shifted(positions: list[int], start: int) -> list[int]:
    return [start + position for position in positions] if start else positions


def accepted_group(
    accepted: CheckedType, raws: Sequence[msgspec.Raw], headers: Headers, tenant: str
) -> RecordGroup:
    """The records of one type's items: as received, but for ids that were numbers.

    The key is the tenant and what decides the partition: the id by the contract, and not a wider
    one of the tenant's own, so that the partition stays when the tenant's rule changes.
    """
    prefix = f"{tenant}:"
    keys = [(prefix + one).encode() for one in accepted.home_ids]
    values: list[Value] = [raws[position] for position in accepted.positions]
    if accepted.rewritten:
        values = [
            accepted.rewritten.get(position) or value
            for position, value in zip(accepted.positions, values, strict=True)
        ]
    return RecordGroup(accepted.type.topic, keys, values, headers)


def record_headers(origin: RequestOrigin) -> Headers:
    """The headers of every record of a request."""
    return [
        ("tenant", origin.tenant.encode()),
        ("received_at", origin.received_at.encode()),
        ("request_id", origin.request_id.encode()),
    ]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _too_many(how_many: str, most_items: int) -> ApiError:
    return ApiError(
        TOO_MANY_ITEMS,
        f"The batch has {how_many} items; the limit is {most_items:,}",
        details={"limit_items": most_items},
    )
