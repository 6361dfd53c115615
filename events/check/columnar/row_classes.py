"""Row classes: one msgspec class per model, derived from its fields, and the decoders into them.

Both checks end in a row: the columnar check decodes straight into it, the exact check fills it in,
and columns, ids and fingerprints are made from rows alone. Numbers stay raw text (no binary float),
date-times stay strings, nested content stays raw JSON; `UNSET` is "absent".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, Union

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from pydantic import BaseModel

from events.contract.fields import Field, FieldKind, fields_of
from events.contract.registry import EVENT_TYPES, EventType

FREE_KINDS: Final = (FieldKind.OBJECTS, FieldKind.OBJECT)
RAW_KINDS: Final = (FieldKind.AMOUNT, FieldKind.MODELS, *FREE_KINDS)


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One model as the columnar check sees it: its row class, and its fields by kind."""

    fields: tuple[Field, ...]
    row: type[Struct]

    def of_kind(self, *kinds: FieldKind) -> tuple[Field, ...]:
        """List the fields of these kinds, in the contract's order."""
        return _of_kind(self, kinds)

    def named(self, name: str) -> Field:
        """Find a field by its name."""
        return _named(self, name)


@cache
def _named(shape: Shape, name: str) -> Field:
    return next(field for field in shape.fields if field.name == name)


@cache
def _of_kind(shape: Shape, kinds: tuple[FieldKind, ...]) -> tuple[Field, ...]:
    return tuple(field for field in shape.fields if field.kind in kinds)


@cache
def shape_of(model: type[BaseModel]) -> Shape:
    """Derive the row class of *model*."""
    fields = fields_of(model)
    return Shape(fields, _struct(model.__name__, [_member(field) for field in fields]))


@cache
def lone_shape(field: Field) -> Shape:
    """Derive the row class of objects with nothing but *field*, which they may lack."""
    return Shape((field,), _struct("Lone", [_member(field)]))


def _struct(name: str, members: list[tuple[Any, ...]]) -> type[Struct]:
    # Rows hold no cycles, so the garbage collector need not walk them: a quarter of decoding time.
    return msgspec.defstruct(name, members, kw_only=True, gc=False)


def _member(field: Field) -> tuple[Any, ...]:
    annotation = _annotation(field)
    if field.nullable and annotation is not Raw:
        annotation = annotation | None
    if field.required:
        return field.name, annotation
    return field.name, annotation | UnsetType, UNSET


def _annotation(field: Field) -> Any:
    if field.kind in RAW_KINDS:
        return Raw
    if field.kind is FieldKind.CHOICE:
        return Literal[field.choices]
    return bool if field.kind is FieldKind.FLAG else str


Decode = Callable[[Any], Any]


@cache
def item_variants() -> dict[EventType, type[Struct]]:
    """Derive the class of each type's whole items."""
    return {
        event_type: msgspec.defstruct(
            f"{event_type.model.__name__}Item",
            [("data", shape_of(event_type.model).row)],
            tag_field="event",
            tag=event_type.name,
            gc=False,
        )
        for event_type in EVENT_TYPES
    }


@cache
def item_decoder() -> Decode:
    """Decode any whole item `{"event", "data"}`; `event` tells which type it is."""
    return msgspec.json.Decoder(Union[tuple(item_variants().values())]).decode  # noqa: UP007


@cache
def whole_decoder(event_type: EventType) -> Decode:
    """Decode a whole item of one type. `event` is required, as a tag alone would not be."""
    members = [("event", Literal[event_type.name]), ("data", shape_of(event_type.model).row)]
    return msgspec.json.Decoder(_struct(f"{event_type.model.__name__}Record", members)).decode


@cache
def bare_decoder(event_type: EventType) -> Decode:
    """Decode the bare `data` object of one type."""
    return msgspec.json.Decoder(shape_of(event_type.model).row).decode


@cache
def lists_decoder(model: type[BaseModel]) -> Decode:
    """Decode an array of nullable lists of *model*, such as `bets`."""
    row: Any = shape_of(model).row
    return msgspec.json.Decoder(list[list[row] | None]).decode
