"""Turns lists of models inside items, such as the legs of a bet, into columns of lists.

They are read once, by the rules of the check, and stored as they were read: `bets` becomes
`_bets_odds`, `_bets_match_start` and so on, with one list per item and one element per object. So
nothing that reads the store has to parse the JSON text again by rules of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Raw
from pydantic import TypeAdapter, ValidationError

from events.check.columnar.decoded_rows import Rows
from events.check.columnar.row_classes import Shape, lone_shape
from events.check.columnar.vectors import check_values
from events.check.columns import arrow_type, columns_of
from events.contract.fields import Field, FieldKind, fields_of
from events.contract.registry import EVENT_TYPES, EventType
from events.values.json_text import JsonTextError, read_json

NOT_READ, READ, UNREADABLE = range(3)


def list_fields(event_type: EventType) -> tuple[Field, ...]:
    """The fields of *event_type* that are lists of models."""
    return tuple(one for one in fields_of(event_type.model) if one.kind is FieldKind.MODELS)


def types_with_lists() -> list[EventType]:
    """The event types that have such fields."""
    return [one for one in EVENT_TYPES if list_fields(one)]


def column_name(field: Field, inner: Field) -> str:
    """The column that holds one field of a list's elements."""
    return f"_{field.name}_{inner.name}"


def state_name(field: Field) -> str:
    """The column that says whether the list was read: NOT_READ, READ or UNREADABLE."""
    return f"_{field.name}_read"


def list_columns(rows: Rows) -> dict[str, pa.Array]:
    """Turn the lists inside *rows* into columns; a null or an absent list becomes an empty one."""
    columns: dict[str, pa.Array] = {}
    for field in rows.shape.of_kind(FieldKind.MODELS):
        inner = rows.nested()[field.name]
        if not inner.rows:
            columns |= _empty(field, len(rows.rows))
            continue
        ends = np.searchsorted(inner.owners, np.arange(len(rows.rows) + 1)).astype(np.int32)
        offsets = pa.array(ends)
        for one, values in zip(inner.shape.fields, columns_of(inner).values(), strict=True):
            columns[column_name(field, one)] = pa.ListArray.from_arrays(offsets, values)
        columns[state_name(field)] = _state(READ, len(rows.rows))
    return columns


def empty_lists(shape: Shape, count: int) -> dict[str, pa.Array]:
    """The columns of *count* items without lists."""
    columns: dict[str, pa.Array] = {}
    for field in shape.of_kind(FieldKind.MODELS):
        columns |= _empty(field, count)
    return columns


def read_lists(field: Field, texts: Sequence[str | None]) -> dict[str, pa.Array]:
    """Turn JSON *texts* of the list *field* that were stored before they were read.

    A text that the check would refuse is UNREADABLE and has no elements.
    """
    readable = [text is None or _is_valid(field, text) for text in texts]
    shape = lone_shape(field)
    rows = Rows(
        shape,
        [
            shape.row(**{field.name: Raw(text.encode())}) if text and good else shape.row()
            for text, good in zip(texts, readable, strict=True)
        ],
    )
    check_values([rows, *rows.nested().values()])
    columns = list_columns(rows)
    states = np.where(readable, READ, UNREADABLE).astype(np.uint8)
    return {**columns, state_name(field): pa.array(states)}


def _is_valid(field: Field, text: str) -> bool:
    try:
        msgspec.json.decode(text, type=Raw)
        _adapter(field).validate_python(read_json(text.encode())[1], strict=True)
    except (ValidationError, JsonTextError, msgspec.MsgspecError, UnicodeError):
        return False
    return True


@cache
def _adapter(field: Field) -> TypeAdapter[object]:
    legs: Any = list[field.model] | None  # type: ignore[name-defined]
    return TypeAdapter(legs)


def _empty(field: Field, count: int) -> dict[str, pa.Array]:
    assert field.model is not None  # noqa: S101 - only fields of kind MODELS get here
    offsets = pa.array(np.zeros(count + 1, np.int32))
    columns = {
        column_name(field, one): pa.ListArray.from_arrays(offsets, pa.array([], arrow_type(one)))
        for one in fields_of(field.model)
    }
    return {**columns, state_name(field): _state(READ, count)}


def _state(state: int, count: int) -> pa.Array:
    return pa.array(np.full(count, state, np.uint8))
