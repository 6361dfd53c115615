"""The columns of accepted rows, with the types in which the store keeps them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, Raw, UnsetType

from events.check.columnar.decoded_rows import ABSENT_TYPES, Rows
from events.check.columnar.row_classes import RAW_KINDS
from events.check.columnar.texts import raw_array, text_array
from events.check.columnar.vectors import AMOUNT_TYPE, INSTANT_TYPE, check_values
from events.contract.fields import Field, FieldKind

_TYPES: dict[FieldKind, pa.DataType] = {
    FieldKind.AMOUNT: AMOUNT_TYPE,
    FieldKind.INSTANT: INSTANT_TYPE,
    FieldKind.FLAG: pa.bool_(),
}

_NOTHING = Raw(b"")


def arrow_type(field: Field) -> pa.DataType:
    """The type of a field's column; text and nested JSON are strings."""
    return _TYPES.get(field.kind, pa.string())


def columns_of(rows: Rows, *kinds: FieldKind) -> dict[str, pa.Array]:
    """Turn *rows* into one array per field, in the contract's order; only of *kinds*, if given."""
    if not rows.arrays:
        check_values([rows])
    fields = rows.shape.of_kind(*kinds) if kinds else rows.shape.fields
    for field in fields:
        if field.name not in rows.columns:
            rows.columns[field.name] = _column(rows, field)
    return {field.name: rows.columns[field.name] for field in fields}


def _column(rows: Rows, field: Field) -> pa.Array:
    values, kinds = rows.values(field), rows.kinds(field)
    if kinds <= ABSENT_TYPES:
        return pa.repeat(pa.scalar(field.default, arrow_type(field)), len(values))
    if field.kind in (FieldKind.AMOUNT, FieldKind.INSTANT):
        return _checked(rows, field)
    if UnsetType in kinds:
        values = [field.default if value is UNSET else value for value in values]
    if field.kind in RAW_KINDS:
        return _raw_column(values) if kinds & ABSENT_TYPES else raw_array(values)
    if field.kind is FieldKind.FLAG or kinds & ABSENT_TYPES:
        return pa.array(values, arrow_type(field))
    return text_array(values)


def _raw_column(values: list[Raw | None]) -> pa.Array:
    present = pa.array([value is not None for value in values], pa.bool_())
    texts = raw_array([_NOTHING if value is None else value for value in values])
    return pc.if_else(present, texts, pa.scalar(None, pa.string()))


def _checked(rows: Rows, field: Field) -> pa.Array:
    """Take the array that was checked; it holds a stand-in wherever the row has no value."""
    array = rows.arrays[field.name]
    if not rows.kinds(field) & ABSENT_TYPES:
        return array
    present = [value is not None and value is not UNSET for value in rows.values(field)]
    return pc.if_else(present, array, pa.scalar(field.default, arrow_type(field)))
