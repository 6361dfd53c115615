"""Finds repeats of rows that were stored under another id rule of their tenant.

Such a row has another id than its repeat has now, so neither the dedup index nor the table's key
brings them together. Two items are one if their ids are the same by the rule in force; that is
checked with the fields that the store has, before what counts as new is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from events.contract.id_rules import join_id
from events.values.canonical import canonical
from streams.judge.doubts import Doubt
from streams.judge.judge import Judged, OutcomeCounts
from streams.judge.outcomes import Outcome

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
    """*parts* of one insert batch, with rows of known items as duplicates or conflicts."""
    if not any(part.doubts for part in parts):
        return parts
    settled: list[Judged] = []
    for part in parts:
        known: dict[int, _Known] = {}
        for doubt in part.doubts:
            known |= await _known(store, table, doubt, [*settled, part])
        settled.append(_settled(part, known))
    return settled


@dataclass(frozen=True, slots=True)
class _Known:
    """The row that an item was stored as, and whether its content is the same."""

    row: Row
    same: bool


async def _known(
    store: ItemFinder, table: str, doubt: Doubt, in_hand: Sequence[Judged]
) -> dict[int, _Known]:
    """Which rows of *doubt*, the last of *in_hand*, are items that came before."""
    batch = in_hand[-1].rows
    assert batch is not None  # noqa: S101 - there are no doubts without rows
    columns = [name for name in batch.schema.names if _is_asked_for(name)]
    mine = _of(batch, doubt.tenant, columns, doubt.offsets)
    values = sorted({row[doubt.found_by] for row in mine})
    stored = await store.rows_with(table, doubt.tenant, doubt.found_by, values, columns)
    others = _rows(stored.select(columns))
    others += [
        row
        for part in in_hand
        if part.rows is not None
        for row in _of(part.rows, doubt.tenant, columns)
    ]
    first: dict[str, Row] = {}
    for row in sorted(others, key=partial(_age, batch=mine[0])):
        first.setdefault(_id(row, doubt.fields), row)
    found: dict[int, _Known] = {}
    for row in mine:
        earlier = first[_id(row, doubt.fields)]
        if _coordinate(earlier) != _coordinate(row):
            found[row["_offset"]] = _Known(earlier, _content(earlier) == _content(row))
    return found


def _is_asked_for(name: str) -> bool:
    """Whether a column is the contract's, or says where the record lay."""
    return name in {*_COORDINATE, *_LOG} or not (name in _PROVENANCE or name.startswith("_"))


def _of(
    batch: pa.RecordBatch, tenant: str, columns: Sequence[str], offsets: Iterable[int] | None = None
) -> list[dict[str, Any]]:
    wanted = pc.equal(batch.column("tenant").cast(pa.string()), tenant)
    if offsets is not None:
        chosen = pc.is_in(batch.column("_offset"), pa.array(list(offsets), pa.int64()))
        wanted = pc.and_(wanted, chosen)
    return _rows(pa.Table.from_batches([batch.filter(wanted)]).select(list(columns)))


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


def _coordinate(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _COORDINATE)


def _content(row: Row) -> dict[str, Any]:
    return {
        name: canonical(value.encode()) if name in _JSON and value is not None else value
        for name, value in row.items()
        if not name.startswith("_")
    }


def _settled(part: Judged, known: Mapping[int, _Known]) -> Judged:
    """The same judgement with the rows at the offsets of *known* as what they are."""
    if not known or part.rows is None:
        return part
    other = {offset: one.row for offset, one in known.items() if not one.same}
    gone = pc.is_in(part.rows.column("_offset"), pa.array(list(known), pa.int64()))
    rows = part.rows.filter(pc.invert(gone))
    by_tenant = dict(part.by_tenant)
    for tenant, offset in _tenants(part.rows.filter(gone)):
        outcome = Outcome.CONFLICT if offset in other else Outcome.DUPLICATE
        by_tenant[tenant, Outcome.STORED] -= 1
        by_tenant[tenant, outcome] = by_tenant.get((tenant, outcome), 0) + 1
    conflicts = [] if part.conflicts is None else [part.conflicts]
    if other:
        conflicts.append(_conflict_rows(part, other))
    return replace(
        part,
        counts=part.counts
        + OutcomeCounts(
            stored=-len(known), duplicates=len(known) - len(other), conflicts=len(other)
        ),
        rows=rows if rows.num_rows else None,
        conflicts=_joined(conflicts),
        new_ids=_forgotten(part, list(other)),
        by_tenant=by_tenant,
    )


def _tenants(rows: pa.RecordBatch) -> list[tuple[str, int]]:
    tenants = rows.column("tenant").cast(pa.string()).to_pylist()
    return list(zip(tenants, rows.column("_offset").to_pylist(), strict=True))


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch | None:
    if len(batches) < 2:
        return batches[0] if batches else None
    table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    (batch,) = table.to_batches()
    return batch


def _conflict_rows(part: Judged, first: Mapping[int, Row]) -> pa.RecordBatch:
    """Rows of the table `conflicts` for the rows of *part* at the offsets of *first*."""
    assert part.rows is not None and part.fetched is not None  # noqa: S101, PT018 - it has doubts
    wanted = pc.is_in(part.rows.column("_offset"), pa.array(list(first), pa.int64()))
    rows = part.rows.filter(wanted)
    offsets = rows.column("_offset").to_pylist()
    places = np.searchsorted(part.fetched.offsets, offsets).tolist()
    raw = [part.fetched.values[place] for place in places]
    columns = {
        "tenant": rows.column("tenant"),
        "event": pa.array([part.event] * len(offsets)),
        "id": rows.column("_id"),
        "topic": rows.column("_topic"),
        "incarnation": rows.column("_incarnation"),
        "partition": rows.column("_partition"),
        "offset": rows.column("_offset"),
        "first_incarnation": pa.array([first[at]["_incarnation"] for at in offsets], pa.string()),
        "first_partition": pa.array([first[at]["_partition"] for at in offsets], pa.int32()),
        "first_offset": pa.array([first[at]["_offset"] for at in offsets], pa.int64()),
        "raw": pa.array(raw, pa.binary()).cast(pa.string()),
        "request_id": rows.column("request_id"),
        "received_at": rows.column("received_at"),
        "_appended_at": rows.column("_appended_at"),
    }
    return pa.RecordBatch.from_pydict(columns)


def _forgotten(part: Judged, offsets: Sequence[int]) -> Any:
    """The ids to remember: a conflict's is not, so that each repeat is compared with the first."""
    new_ids = part.new_ids
    if new_ids is None or part.dedup_index is None or not offsets:
        return new_ids
    gone = np.isin(new_ids.offsets, np.asarray(offsets, np.int64))
    part.dedup_index.forget(new_ids.high[gone], new_ids.low[gone])
    kept = np.flatnonzero(~gone)
    return new_ids.rows(kept) if len(kept) else None
