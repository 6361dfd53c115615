"""Finds repeats of rows that were stored under another id rule of their tenant.

Such a row has another id than its repeat has now, so neither the dedup index nor the table's key
brings them together. Two items are one if their ids are the same by the rule in force; that is
checked with the fields that the store has, before what counts as new is stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from events.contract.id_rules import join_id
from events.values.canonical import canonical
from streams.dedup.blocks import IdBlock
from streams.judge.doubts import Doubt
from streams.judge.judge import Judged
from streams.judge.outcomes import Outcome, OutcomeCounts, sum_of
from streams.judge.rejects import conflict_batch

Row = Mapping[str, Any]

# Of one record; its incarnation is left out, as rows of older versions do not name it.
_COORDINATE: Final = ("_topic", "_partition", "_offset", "_appended_at")
_LOG: Final = ("_topic", "_incarnation", "_partition")
# What a row holds besides its item.
_PROVENANCE: Final = frozenset({"tenant", "received_at", "request_id", "stored_at"})
_JSON: Final = frozenset({"bets"})


class ItemFinder(Protocol):
    """The part of the store that is needed here."""

    async def rows_with(
        self, table: str, tenant: str, field: str, values: Sequence[str], columns: Sequence[str]
    ) -> pa.Table:
        """The visible rows of a tenant whose *field* has one of *values*."""


async def without_known(store: ItemFinder, table: str, parts: Sequence[Judged]) -> Sequence[Judged]:
    """*parts* of one insert batch, with records of known items as duplicates or conflicts."""
    doubts = {(doubt.tenant, doubt.fields): doubt for part in parts for doubt in part.doubts}
    if not doubts:
        return parts
    tenants = {tenant for tenant, _ in doubts}
    in_hand = [_in_hand(part, tenants) for part in parts]
    first_rows = {
        key: await _stored(store, table, doubt, [one for part in in_hand for one in part])
        for key, doubt in doubts.items()
    }
    return [
        _settled(part, records, _known(records, first_rows))
        for part, records in zip(parts, in_hand, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Record:
    """A record that is a row to write or, if not *is_new*, the repeat of one.

    `fields` make its id if it is in doubt.
    """

    tenant: str
    fields: tuple[str, ...] | None
    row: Row
    is_new: bool

    @property
    def offset(self) -> int:
        offset: int = self.row["_offset"]
        return offset


@dataclass(frozen=True, slots=True)
class _Known:
    """The row that an item was stored as, and whether its content is the same."""

    row: Row
    same: bool


# By tenant and rule: the first row of each id.
_FirstRows = Mapping[tuple[str, tuple[str, ...]], dict[str, Row]]


def _in_hand(part: Judged, tenants: Iterable[str]) -> list[_Record]:
    """The records of *tenants* that *part* would store, and repeats in doubt, as the log has them.

    Those in doubt have their fields.
    """
    fields = {offset: doubt.fields for doubt in part.doubts for offset in doubt.offsets}
    records = []
    for batch, is_new in ((part.rows, True), (part.repeats, False)):
        if batch is None:
            continue
        whose = batch.column("tenant").cast(pa.string())
        wanted = pc.is_in(whose, pa.array(sorted(tenants), pa.string()))
        names = [name for name in batch.schema.names if _is_asked_for(name)]
        rows = _rows(pa.Table.from_batches([batch.filter(wanted)]).select(names))
        for tenant, row in zip(whose.filter(wanted).to_pylist(), rows, strict=True):
            records.append(_Record(tenant, fields.get(row["_offset"]), row, is_new))
    return sorted(records, key=lambda record: record.offset)


async def _stored(
    store: ItemFinder, table: str, doubt: Doubt, in_hand: Sequence[_Record]
) -> dict[str, Row]:
    """The first stored row of each id that a record in doubt for the rule of *doubt* has."""
    mine = [one.row for one in in_hand if (one.tenant, one.fields) == (doubt.tenant, doubt.fields)]
    values = sorted({row[doubt.found_by] for row in mine})
    columns = list(mine[0])
    stored = await store.rows_with(table, doubt.tenant, doubt.found_by, values, columns)
    first: dict[str, Row] = {}
    for row in sorted(_rows(stored.select(columns)), key=partial(_age, batch=mine[0])):
        first.setdefault(_id(row, doubt.fields), row)
    return first


def _known(records: Sequence[_Record], first_rows: _FirstRows) -> dict[int, _Known]:
    """The row that each of *records* repeats; those that are new are added to *first_rows*.

    One after the other: what turns out to be a repeat is no row that a later one may repeat.
    """
    found: dict[int, _Known] = {}
    for record in records:
        row, fields = record.row, record.fields
        first = first_rows[record.tenant, fields].get(_id(row, fields)) if fields else None
        if first is not None and _precedes(first, row):
            found[record.offset] = _Known(first, _content(first) == _content(row))
        elif record.is_new:
            for (tenant, others), rows in first_rows.items():
                id_ = _id(row, others)
                if tenant == record.tenant and not (id_ in rows and _precedes(rows[id_], row)):
                    rows[id_] = row
    return found


def _is_asked_for(name: str) -> bool:
    """Whether a column is the contract's, or says where the record lay."""
    return name in {*_COORDINATE, *_LOG} or not (name in _PROVENANCE or name.startswith("_"))


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as dicts; times as nanoseconds in integers, as Python's own times hold microseconds."""
    for number, column in enumerate(table.columns):
        if pa.types.is_timestamp(column.type):
            exact = column.cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
            table = table.set_column(number, table.field(number).name, exact)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _id(row: Row, fields: Sequence[str]) -> str:
    return join_id([row[name] for name in fields])


def _age(row: Row, *, batch: Row) -> tuple[Any, ...]:
    """What puts rows in the order in which they counted, seen from the batch that a row is of.

    In its partition the log has the order, whatever the clock was; what was stored from elsewhere
    was there before.
    """
    if all(row[name] == batch[name] for name in _LOG):
        return True, row["_offset"]
    return False, row["_appended_at"], row["_partition"], row["_offset"]


def _precedes(first: Row, row: Row) -> bool:
    """Whether *first* is another record's row, and counted before *row*, which is in hand."""
    is_other = any(first[name] != row[name] for name in _COORDINATE)
    return is_other and _age(first, batch=row) < _age(row, batch=row)


def _content(row: Row) -> dict[str, Any]:
    return {
        name: canonical(value.encode()) if name in _JSON and value is not None else value
        for name, value in row.items()
        if not name.startswith("_")
    }


def _settled(part: Judged, records: Sequence[_Record], known: Mapping[int, _Known]) -> Judged:
    """The same judgement with the records at the offsets of *known* as what they are."""
    if part.dedup_index is not None:
        part.dedup_index.in_doubt.difference_update(*(doubt.offsets for doubt in part.doubts))
    if not known:
        return part
    changes = _changes(part, records, known)
    by_tenant = Counter(part.by_tenant)
    by_tenant.update(changes)
    counts = [
        sum(number for (_, outcome), number in changes.items() if outcome == one)
        for one in (Outcome.STORED, Outcome.DUPLICATE, Outcome.CONFLICT)
    ]
    first = {offset: one.row for offset, one in known.items() if not one.same}
    return replace(
        part,
        counts=sum_of([part.counts, OutcomeCounts(*counts)]),
        rows=_without(part.rows, "_offset", known),
        repeats=None,
        doubts=(),
        conflicts=_joined([_without(part.conflicts, "offset", known), _conflict_rows(part, first)]),
        new_ids=_forgotten(part, known.keys()),
        by_tenant=dict(by_tenant),
    )


def _changes(
    part: Judged, records: Sequence[_Record], known: Mapping[int, _Known]
) -> Counter[tuple[str, Outcome]]:
    """By how much the number of each tenant's outcomes changes."""
    conflicts = set() if part.conflicts is None else set(part.conflicts["offset"].to_pylist())
    changes: Counter[tuple[str, Outcome]] = Counter()
    for record in records:
        if record.offset in known:
            repeat = Outcome.CONFLICT if record.offset in conflicts else Outcome.DUPLICATE
            changes[record.tenant, Outcome.STORED if record.is_new else repeat] -= 1
            same = known[record.offset].same
            changes[record.tenant, Outcome.DUPLICATE if same else Outcome.CONFLICT] += 1
    return changes


def _without(
    batch: pa.RecordBatch | None, column: str, offsets: Iterable[int]
) -> pa.RecordBatch | None:
    if batch is None:
        return None
    rest = batch.filter(pc.invert(pc.is_in(batch.column(column), pa.array(offsets, pa.int64()))))
    return rest if rest.num_rows else None


def _joined(given: Sequence[pa.RecordBatch | None]) -> pa.RecordBatch | None:
    batches = [batch for batch in given if batch is not None]
    if len(batches) < 2:
        return batches[0] if batches else None
    table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    (batch,) = table.to_batches()
    return batch


def _conflict_rows(part: Judged, first: Mapping[int, Row]) -> pa.RecordBatch | None:
    """Rows of the table `conflicts` for the records of *part* at the offsets of *first*."""
    in_doubt = _joined([part.rows, part.repeats])
    if not first or in_doubt is None or part.fetched is None:
        return None
    rows = in_doubt.filter(pc.is_in(in_doubt.column("_offset"), pa.array(first, pa.int64())))
    offsets = rows.column("_offset").to_pylist()
    places = np.searchsorted(part.fetched.offsets, offsets).tolist()
    raw = [part.fetched.values[place] for place in places]
    first_coordinate = {
        "incarnation": pa.array([first[at]["_incarnation"] for at in offsets], pa.string()),
        "partition": pa.array([first[at]["_partition"] for at in offsets], pa.int32()),
        "offset": pa.array([first[at]["_offset"] for at in offsets], pa.int64()),
    }
    return conflict_batch(rows, first_coordinate, part.event, raw)


def _forgotten(part: Judged, offsets: Collection[int]) -> IdBlock | None:
    """The ids to remember: only those of rows, so that a repeat is compared with the row."""
    if part.new_ids is None or part.dedup_index is None:
        return part.new_ids
    return part.dedup_index.forget_records(part.new_ids, offsets)
