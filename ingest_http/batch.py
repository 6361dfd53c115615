"""Makes records of the items of a body: splits it and checks each item alone, without I/O."""

from __future__ import annotations

import asyncio
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

# Checking takes about 2 µs per item; other requests get their turn between chunks.
CHUNK_ITEMS: Final = 2_500
# What an item takes besides its text: key, id, position and the objects around them; what a
# rejected one takes besides its dead letter; and what one takes in a report.
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
class AcceptedItems:
    """Valid items of one type: their positions in the body, and their idempotency ids.

    `adjusted` says by position what will not be stored exactly as it was sent.
    """

    event: str
    positions: Sequence[int]
    ids: Sequence[str]
    adjusted: Sequence[tuple[int, Adjustment]] = ()


@dataclass(frozen=True, slots=True)
class RejectedItems:
    """Rejected items: their positions in the body, and the reasons."""

    positions: Sequence[int]
    rejections: Sequence[Rejection]


@dataclass(slots=True)
class CheckedBatch:
    """A checked body. The n-th record group has the records of the n-th group, in order.

    It holds nothing of the body but the records, and these only until they are taken: hundreds of
    bodies may wait for Kafka, and the decoded form of one is many times its size.
    """

    size: int
    groups: list[AcceptedItems | RejectedItems] = field(default_factory=list)
    record_groups: list[RecordGroup] = field(default_factory=list)

    def take_groups(self) -> list[RecordGroup]:
        """Hand over the records; this object keeps none."""
        record_groups, self.record_groups = self.record_groups, []
        return record_groups

    def not_stored_ids(self, not_stored: Sequence[tuple[int, int]]) -> list[str]:
        """The ids of the records at (record group, index), each once."""
        return list(dict.fromkeys(self._ids_at(not_stored)))

    def positions(self, not_stored: Sequence[tuple[int, int]]) -> list[int]:
        """The positions in the body of the records at (record group, index)."""
        return sorted(
            self.groups[record_group].positions[index] for record_group, index in not_stored
        )

    def _ids_at(self, not_stored: Sequence[tuple[int, int]]) -> Iterator[str]:
        for record_group, index in not_stored:
            group = self.groups[record_group]
            if isinstance(group, AcceptedItems):
                yield group.ids[index]


def split_items(body: bytes | bytearray, most_items: int) -> list[msgspec.Raw]:
    """Split the JSON array *body* into its items.

    Raises:
        ApiError: 422 if it is not a JSON array, 413 if it has more than *most_items*.
    """
    if has_more_items(body, most_items):
        raise _too_many(f"more than {most_items:,}", most_items)
    try:
        raws = split(body)
    except NotABatch as error:
        raise ApiError(NOT_A_BATCH, _sentence(str(error))) from None
    if len(raws) > most_items:
        raise _too_many(f"{len(raws):,}", most_items)
    return raws


async def check(
    raws: Sequence[msgspec.Raw],
    check_options: CheckOptions,
    origin: RequestOrigin,
    hold: Callable[[int], None],
) -> CheckedBatch:
    """Check every item of *raws* alone and make the records of all of them.

    *hold* is called with the bytes that they take besides the body, as the number grows; it may
    raise.
    """
    batch = CheckedBatch(len(raws))
    held = 0
    for start in range(0, len(raws), CHUNK_ITEMS):
        if start:
            await asyncio.sleep(0)
        chunk = raws[start : start + CHUNK_ITEMS]
        checked = check_items(
            chunk,
            tenant=origin.tenant,
            rules=check_options.rules,
            coerce_ids=check_options.coerce_ids,
        )
        each = ITEM_BYTES + REPORT_BYTES * check_options.reports
        held += each * len(chunk) + _add(batch, checked, chunk, start, origin)
        hold(held)
    return batch


def _add(
    batch: CheckedBatch,
    checked: Checked,
    raws: Sequence[msgspec.Raw],
    start: int,
    origin: RequestOrigin,
) -> int:
    """Add the records of some items; returns the bytes they take outside the body."""
    headers = record_headers(origin)
    for accepted in checked.accepted:
        batch.record_groups.append(accepted_group(accepted, raws, headers, origin.tenant))
        positions = _shifted(accepted.positions, start)
        adjusted = [(start + position, one) for position, one in accepted.adjusted]
        batch.groups.append(AcceptedItems(accepted.type.name, positions, accepted.ids, adjusted))
    if checked.rejected:
        values = reject_records(checked.rejected, raws, start, origin)
        keys = [origin.tenant.encode()] * len(values)
        batch.record_groups.append(RecordGroup(REJECTED_TOPIC, keys, values, headers))
        positions = [start + rejection.position for rejection in checked.rejected]
        batch.groups.append(RejectedItems(positions, checked.rejected))
        return sum(map(len, values)) + REJECTION_BYTES * len(values)
    return 0


def _shifted(positions: list[int], start: int) -> list[int]:
    return [start + position for position in positions] if start else positions


def accepted_group(
    accepted: CheckedType, raws: Sequence[msgspec.Raw], headers: Headers, tenant: str
) -> RecordGroup:
    """The records of one type's items: as received, except ids that were numbers.

    The key is the tenant and what decides the partition: the id by the contract, not by the
    tenant's own rule, so that the partition stays the same when that rule changes.
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
