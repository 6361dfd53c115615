"""What becomes of each item of a body? Cut apart, checked alone, made into records; no I/O."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from events.check import check_items
from events.idrules import IdRules
from events.registry import REJECTED_TOPIC
from events.result import Checked, CheckedType
from events.split import NotABatch, split
from ingest_http.answers import NOT_A_BATCH, TOO_MANY_ITEMS, DoorError
from ingest_http.item_count import has_more_items
from ingest_http.publish import Headers, Lot, Value
from ingest_http.rejects import Origin, reject_records

# Checking takes about 2 µs an item; other requests get their turn between slices.
SLICE_ITEMS: Final = 2_500


@dataclass(frozen=True, slots=True)
class Reading:
    """How a tenant's items are read."""

    rules: IdRules
    coerce_ids: bool


@dataclass(frozen=True, slots=True)
class Slice:
    """Some neighbouring items of a body; `checked` counts positions from `start`."""

    start: int
    raws: Sequence[msgspec.Raw]
    checked: Checked


@dataclass(frozen=True, slots=True)
class Row:
    """Which items a lot holds: positions in the body, and ids where the items have some."""

    slice: Slice
    accepted: CheckedType | None

    def position(self, place: int) -> int:
        """The place in the body of the lot's record number *place*."""
        if self.accepted is None:
            return self.slice.start + self.slice.checked.rejected[place].position
        return self.slice.start + self.accepted.positions[place]

    def id(self, place: int) -> str | None:
        """The idempotency id of the lot's record number *place*."""
        return None if self.accepted is None else self.accepted.ids[place]


@dataclass(slots=True)
class Batch:
    """A checked body: `lots` and `rows` go together."""

    size: int
    slices: list[Slice] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def not_stored_ids(self, not_stored: Sequence[tuple[int, int]]) -> list[str]:
        """The ids of the records at (lot, place), each once."""
        ids = (self.rows[lot].id(place) for lot, place in not_stored)
        return list(dict.fromkeys(one for one in ids if one is not None))

    def positions(self, not_stored: Sequence[tuple[int, int]]) -> list[int]:
        """The positions in the body of the records at (lot, place)."""
        return sorted(self.rows[lot].position(place) for lot, place in not_stored)


def cut(body: bytes, most_items: int) -> list[msgspec.Raw]:
    """Cut the JSON array *body* into its items.

    Raises:
        DoorError: 422 if it is no JSON array, 413 if it has more than *most_items*.
    """
    if has_more_items(body, most_items):
        raise _too_many(f"more than {most_items:,}", most_items)
    try:
        raws = split(body, max_items=sys.maxsize)
    except NotABatch as error:
        raise DoorError(NOT_A_BATCH, _sentence(str(error))) from None
    if len(raws) > most_items:
        raise _too_many(f"{len(raws):,}", most_items)
    return raws


async def check(raws: Sequence[msgspec.Raw], reading: Reading, origin: Origin) -> Batch:
    """Check every item of *raws* alone and make the records of all of them."""
    batch = Batch(len(raws))
    for start in range(0, len(raws), SLICE_ITEMS):
        if start:
            await asyncio.sleep(0)
        part = raws if len(raws) <= SLICE_ITEMS else raws[start : start + SLICE_ITEMS]
        checked = check_items(
            part, tenant=origin.tenant, rules=reading.rules, coerce_ids=reading.coerce_ids
        )
        _add(batch, Slice(start, part, checked), origin)
    return batch


def _add(batch: Batch, slice_: Slice, origin: Origin) -> None:
    batch.slices.append(slice_)
    headers = record_headers(origin)
    for accepted in slice_.checked.accepted:
        batch.lots.append(accepted_lot(accepted, slice_.raws, headers, origin.tenant))
        batch.rows.append(Row(slice_, accepted))
    if slice_.checked.rejected:
        values = reject_records(slice_.checked.rejected, slice_.raws, slice_.start, origin)
        keys = [origin.tenant.encode()] * len(values)
        batch.lots.append(Lot(REJECTED_TOPIC, keys, values, headers))
        batch.rows.append(Row(slice_, None))


def accepted_lot(
    accepted: CheckedType, raws: Sequence[msgspec.Raw], headers: Headers, tenant: str
) -> Lot:
    """The records of one type's items: as received, but for ids that were numbers."""
    prefix = f"{tenant}:"
    keys = [(prefix + one).encode() for one in accepted.ids]
    values: list[Value] = [raws[position] for position in accepted.positions]
    if accepted.rewritten:
        values = [
            accepted.rewritten.get(position) or value
            for position, value in zip(accepted.positions, values, strict=True)
        ]
    return Lot(accepted.type.topic, keys, values, headers)


def record_headers(origin: Origin) -> Headers:
    """The headers of every record of a request."""
    return [
        ("tenant", origin.tenant.encode()),
        ("received_at", origin.received_at.encode()),
        ("request_id", origin.request_id.encode()),
    ]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _too_many(how_many: str, most_items: int) -> DoorError:
    return DoorError(
        TOO_MANY_ITEMS,
        f"The batch has {how_many} items; the limit is {most_items:,}",
        details={"limit_items": most_items},
    )
