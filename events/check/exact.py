"""The exact check: decides on a single item; no other check may accept what it rejects.

It reads the text strictly, lets the pydantic model judge, then asks whether the item can be kept
exactly. That costs some twenty microseconds, so only items that no other check proves come here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct
from pydantic import ValidationError

from events.check.columnar.row_classes import shape_of
from events.contract.adjustments import Adjustment
from events.contract.explain import Problem, first_problem
from events.contract.fields import Field, FieldKind, fields_of
from events.contract.models import EventData
from events.contract.registry import BY_NAME, EventType
from events.values.amounts import JsonNumber, adjusted_amount
from events.values.coercion import quote_numbers
from events.values.instants import adjusted_instant, format_instant
from events.values.json_text import JsonObject, JsonTextError, first_value, members, read_json

MAX_ITEM_BYTES: Final = 1 << 20
EVENT_NAME_CHARACTERS: Final = 128
_KEPT_KINDS: Final = {FieldKind.MODELS, FieldKind.OBJECTS, FieldKind.OBJECT}


@dataclass(frozen=True, slots=True)
class Valid:
    """The item is valid; `rewritten` is its new text if ids had to be put in quotes.

    `adjusted` says how each value that is not stored exactly as it was sent was changed.
    """

    event_type: EventType
    row: Struct
    rewritten: bytes | None
    adjusted: Sequence[Adjustment] = ()


class RejectedError(Exception):
    """The item is not valid; `problem` says why, and `event` which type it names, if any."""

    def __init__(self, problem: Problem, event: str | None = None) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.event = event


def judge_item(raw: bytes, *, coerce_ids: bool = False) -> Valid:
    """Judge a whole item `{"event", "data"}`.

    Raises:
        RejectedError: the item is not valid or cannot be kept exactly.
    """
    text, item = _read_object(raw)
    return _judge_whole(text, item, coerce_ids=coerce_ids)


def judge_record(raw: bytes | None, event_type: EventType) -> Valid:
    """Judge a record of *event_type*'s topic: a whole item, or its `data` alone.

    An object with both an `event` and a `data` is a whole item; any other is read as `data`.

    Raises:
        RejectedError: the record is not valid or cannot be kept exactly.
    """
    if raw is None:
        raise RejectedError(Problem("null_value", None, "the record has no value"))
    text, item = _read_object(raw)
    if "event" in item and "data" in item:
        _refuse_other_type(item, event_type)
        return _judge_whole(text, item, coerce_ids=False)
    return _judge_data(item, event_type, lambda: _members(text, first_value(text)))


def _read_object(raw: bytes) -> tuple[str, JsonObject]:
    if len(raw) > MAX_ITEM_BYTES:
        raise RejectedError(Problem("item_too_large", None, "the item has more than 1 MiB"))
    try:
        text, item = read_json(raw)
    except JsonTextError as problem:
        raise RejectedError(Problem(problem.reason, None, f"the item {problem}")) from None
    if not isinstance(item, JsonObject):
        raise RejectedError(Problem("not_an_object", None, "the item is not an object"))
    return text, item


def _judge_whole(text: str, item: JsonObject, *, coerce_ids: bool) -> Valid:
    for name in ("event", "data"):
        if name in item.repeated:
            raise RejectedError(_twice(name), None)
    event_type = _named_type(item)
    if "data" not in item:
        raise RejectedError(Problem("missing", "data", "data is missing"), event_type.name)
    changed = quote_numbers(text, _data_start(text), event_type.model) if coerce_ids else None
    if changed is None:
        return _judge_data(item["data"], event_type, lambda: _members(text, _data_start(text)))
    again = _judge_whole(*_read_object(changed), coerce_ids=False)
    return Valid(event_type, again.row, changed, again.adjusted)


def _data_start(text: str) -> int:
    return next(one.start for one in members(text, first_value(text)) if one.name == "data")


def _members(text: str, start: int) -> dict[str, str]:
    return {one.name: text[one.start : one.end] for one in members(text, start)}


def _named_type(item: JsonObject) -> EventType:
    if "event" not in item:
        raise RejectedError(Problem("missing", "event", "event is missing"))
    name = item["event"]
    if not isinstance(name, str):
        raise RejectedError(Problem("wrong_type", "event", "event is not a string"))
    if name not in BY_NAME:
        known = ", ".join(BY_NAME)
        message = f"event names no type of the contract; the types are {known}"
        raise RejectedError(Problem("unknown_event", "event", message), _printable(name))
    return BY_NAME[name]


def _judge_data(data: Any, event_type: EventType, texts: Callable[[], dict[str, str]]) -> Valid:
    try:
        _refuse_repeats(data, event_type)
        model = event_type.model.model_validate(data)
        _refuse_half_characters(model)
        kept = _kept_texts(event_type, texts)
    except ValidationError as problem:
        raise RejectedError(first_problem(problem), event_type.name) from None
    except RejectedError as rejection:
        raise RejectedError(rejection.problem, event_type.name) from None
    return Valid(event_type, _row(model, kept), None, list(_adjustments(data, event_type)))


def _adjustments(data: Any, event_type: EventType) -> Iterator[Adjustment]:
    """Read the values of valid *data* once more, to find what was adjusted."""
    for _, part, fields in _known_objects(data, fields_of(event_type.model)):
        for field in fields:
            value = part.get(field.name)
            adjustment = None
            if isinstance(value, JsonNumber) and field.kind is FieldKind.AMOUNT:
                adjustment = adjusted_amount(value.text)[1]
            elif isinstance(value, str) and field.kind is FieldKind.INSTANT:
                adjustment = adjusted_instant(value, optional=field.null_outside)[1]
            if adjustment is not None:
                yield adjustment


def _refuse_repeats(data: Any, event_type: EventType) -> None:
    for path, part, fields in _known_objects(data, fields_of(event_type.model)):
        for field in fields if part.repeated else ():
            if field.name in part.repeated:
                raise RejectedError(_twice(f"{path}.{field.name}"))


def _known_objects(
    data: Any, fields: tuple[Field, ...], path: str = "data"
) -> list[tuple[str, JsonObject, tuple[Field, ...]]]:
    if not isinstance(data, JsonObject):
        return []
    found = [(path, data, fields)]
    for field in fields:
        inner = data.get(field.name) if field.model is not None else None
        if field.model is not None and isinstance(inner, list):
            for index, one in enumerate(inner):
                inner_path = f"{path}.{field.name}[{index}]"
                found += _known_objects(one, fields_of(field.model), inner_path)
    return found


def _refuse_half_characters(model: EventData) -> None:
    for name, value in model:
        if isinstance(value, str) and not value.isascii() and not _is_text(value):
            raise RejectedError(_half_character(f"data.{name}"))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kept_texts(event_type: EventType, texts: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Extract the content that is kept as it was sent; half a surrogate pair is rejected."""
    names = {one.name for one in fields_of(event_type.model) if one.kind in _KEPT_KINDS}
    if not names:
        return {}
    kept = texts()
    for name in names & kept.keys():
        try:
            msgspec.json.decode(kept[name], type=Raw)
        except msgspec.DecodeError:
            # The text is JSON: msgspec can only refuse it for half a surrogate pair.
            raise RejectedError(_half_character(f"data.{name}")) from None
    return {name: kept[name] for name in names & kept.keys() if kept[name] != "null"}


def _row(model: EventData, kept: dict[str, str]) -> Struct:
    shape = shape_of(type(model))
    return shape.row(
        **{field.name: _cell(field, getattr(model, field.name), kept) for field in shape.fields}
    )


def _cell(field: Field, value: Any, kept: dict[str, str]) -> Any:
    if value is None:
        return None if field.required else UNSET
    if field.kind in _KEPT_KINDS:
        return Raw(kept[field.name].encode())
    if field.kind is FieldKind.INSTANT:
        return format_instant(value)
    return Raw(f"{value:f}".encode()) if isinstance(value, Decimal) else value


def _twice(path: str) -> Problem:
    return Problem("duplicate_name", path, f"{path} appears more than once")


def _half_character(path: str) -> Problem:
    return Problem("bad_text", path, f"{path} holds half a surrogate pair")


def _refuse_other_type(item: JsonObject, event_type: EventType) -> None:
    named = item["event"]
    if isinstance(named, str) and named in BY_NAME and named != event_type.name:
        message = f"event names another type than this topic's, {event_type.name}"
        raise RejectedError(Problem("event_mismatch", "event", message), named)


def _printable(name: str) -> str:
    return name[:EVENT_NAME_CHARACTERS].encode("utf-8", "replace").decode()
