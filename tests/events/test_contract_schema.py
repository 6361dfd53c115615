"""The published schema of this product is the schema of the page."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from events.contract.registry import EVENT_TYPES
from events.contract.schema import bulk_schema
from tests.events.oracle import PUBLISHED


def without(part: Any, *names: str) -> Any:
    """Drop annotations that the page does not have."""
    if isinstance(part, list):
        return [without(one, *names) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name: without(value, *names)
        for name, value in part.items()
        if name not in names or not isinstance(value, str)
    }


def descriptions(part: Any, path: str = "") -> dict[str, str]:
    """List the description of each part."""
    if isinstance(part, list):
        parts = list(enumerate(part))
    elif isinstance(part, dict):
        parts = list(part.items())
    else:
        return {}
    found = {path: part["description"]} if isinstance(part, dict) and "description" in part else {}
    for name, value in parts:
        found |= descriptions(value, f"{path}/{name}")
    return found


def as_sets(part: Any) -> Any:
    """Make the order of `required` not matter."""
    if isinstance(part, list):
        return [as_sets(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name: sorted(value) if name == "required" else as_sets(value)
        for name, value in part.items()
    }


def test_the_generated_schema_is_the_page() -> None:
    """Every field, type, enum, default, null and requirement, nothing more and nothing less."""
    ours = without(bulk_schema(), "title", "description")

    assert as_sets(ours) == as_sets(without(PUBLISHED, "description"))


def test_the_page_s_own_words_are_kept() -> None:
    """Each description of the page is kept; where it has none, we may add one."""
    assert descriptions(PUBLISHED).items() <= descriptions(bulk_schema()).items()


def test_fields_stand_in_the_order_of_the_page() -> None:
    """People compare our documents with the page side by side."""
    published = [one["properties"]["data"]["properties"] for one in PUBLISHED["items"]["anyOf"]]

    assert [list(row.model.model_fields) for row in EVENT_TYPES] == [list(one) for one in published]


def test_the_schema_stands_alone() -> None:
    """It is a valid schema and refers to nothing outside of itself."""
    Draft202012Validator.check_schema(bulk_schema())

    assert "$ref" not in json.dumps(bulk_schema())


def test_every_example_validates(examples: dict[str, bytes]) -> None:
    """Documents show nothing that the contract refuses."""
    validator = Draft202012Validator(
        bulk_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER
    )

    validator.validate([json.loads(text) for text in examples.values()])
