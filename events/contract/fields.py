"""The fields of a model and their kinds, read once from the pydantic classes.

Everything derived from the models (row classes, columns, fingerprints, documents) walks these
rows, so that a new field or a new event type is written down in one place only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from events.contract.nulls import NeverNull, allows_none, without_none
from events.values.amounts import AMOUNT_RULE
from events.values.instants import INSTANT_RULE, NULL_OUTSIDE_RANGE


class FieldKind(StrEnum):
    """What a JSON value of a field is."""

    TEXT = "string"
    CHOICE = "string (enum)"
    INSTANT = "string (date-time)"
    AMOUNT = "number"
    FLAG = "boolean"
    MODELS = "array of objects of a model"
    OBJECTS = "array of objects"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `nullable` if JSON null is allowed; `default` as published, None if there is none.

    `null_outside` marks a time that is stored as null where no column can hold it.
    """

    name: str
    kind: FieldKind
    required: bool
    nullable: bool
    default: Any
    choices: tuple[str, ...]
    model: type[BaseModel] | None
    description: str
    null_outside: bool = False


@cache
def fields_of(model: type[BaseModel]) -> tuple[Field, ...]:
    """List the fields of *model* in the contract's order."""
    return tuple(_field(name, info) for name, info in model.model_fields.items())


def _field(name: str, info: FieldInfo) -> Field:
    kind, detail = _kind(info.annotation, info.metadata)
    return Field(
        name=name,
        kind=kind,
        required=info.is_required(),
        nullable=allows_none(info.annotation) and NeverNull not in info.metadata,
        default=None if info.is_required() else info.get_default(),
        choices=detail if kind is FieldKind.CHOICE else (),
        model=detail if kind is FieldKind.MODELS else None,
        description=info.description or "",
        null_outside=NULL_OUTSIDE_RANGE in info.metadata,
    )


def _kind(annotation: Any, metadata: list[Any]) -> tuple[FieldKind, Any]:
    bare = without_none(annotation)
    if get_origin(bare) is Annotated:
        bare, *inner = get_args(bare)
        metadata = [*metadata, *inner]
    if AMOUNT_RULE in metadata:
        return FieldKind.AMOUNT, None
    if INSTANT_RULE in metadata:
        return FieldKind.INSTANT, None
    if get_origin(bare) is Literal:
        return FieldKind.CHOICE, get_args(bare)
    if get_origin(bare) is list:
        return _list_kind(get_args(bare)[0])
    return _PLAIN[get_origin(bare) or bare], None


def _list_kind(item: Any) -> tuple[FieldKind, Any]:
    if isinstance(item, type) and issubclass(item, BaseModel):
        return FieldKind.MODELS, item
    return FieldKind.OBJECTS, None


_PLAIN: dict[Any, FieldKind] = {str: FieldKind.TEXT, bool: FieldKind.FLAG, dict: FieldKind.OBJECT}
