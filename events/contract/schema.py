"""The JSON schema of a batch, generated from the models.

Draft 2020-12, self-contained (no `$ref`), so that it can stand in an OpenAPI document as it is.
`item_schema` describes an item, `bulk_schema` an array of them.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from events.contract.registry import EVENT_TYPES, EventType

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class _WithoutTitles(GenerateJsonSchema):
    """The published page has no titles of fields, and no null defaults."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Leave titles out."""
        del schema
        return False

    def encode_default(self, dft: Any) -> Any:
        """Write an amount's default as a JSON number."""
        return int(dft) if isinstance(dft, Decimal) else super().encode_default(dft)


@cache
def bulk_schema() -> dict[str, Any]:
    """Describe the body of a request: an array of items of any type."""
    return {
        "$schema": DIALECT,
        "type": "array",
        "items": {"anyOf": [item_schema(event_type) for event_type in EVENT_TYPES]},
    }


def item_schema(event_type: EventType) -> dict[str, Any]:
    """Describe a whole item `{"event", "data"}` of one type."""
    return {
        "title": event_type.name,
        "description": event_type.description,
        "type": "object",
        "properties": {
            "data": data_schema(event_type),
            "event": {"type": "string", "enum": [event_type.name]},
        },
        "required": ["data", "event"],
    }


def data_schema(event_type: EventType) -> dict[str, Any]:
    """Describe the `data` of one type's items."""
    schema = event_type.model.model_json_schema(schema_generator=_WithoutTitles)
    definitions = schema.pop("$defs", {})
    inlined: dict[str, Any] = _cleaned(schema, definitions)
    return inlined


def _cleaned(part: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions where they are referred to; drop what the page does not have."""
    if isinstance(part, list):
        return [_cleaned(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _cleaned(definitions[part["$ref"].removeprefix("#/$defs/")], definitions)
    return {
        name: _cleaned(value, definitions)
        for name, value in part.items()
        if not _is_noise(name, value)
    }


def _is_noise(name: str, value: Any) -> bool:
    return (
        (name == "title" and isinstance(value, str))
        or (name == "default" and value is None)
        or (name == "additionalProperties" and value is True)
    )
