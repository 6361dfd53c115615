"""Messages about a rejected item for people: what is wrong, where, and what to do.

Messages name fields of the contract and never quote a value: they go to logs and to other people.
What to do is written in one place, `events.contract.reasons`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from events.contract.reasons import BY_CODE

_WRONG_TYPE: Final = {
    "string_type": "is not a string",
    "bool_type": "is not a boolean",
    "list_type": "is not an array",
    "dict_type": "is not an object",
    "model_type": "is not an object",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason for refusal; `field` is a path from the item's root, None for all of it."""

    reason: str
    field: str | None
    message: str


def first_problem(error: ValidationError) -> Problem:
    """Choose what to report: the contract's reasons before storage's, in the model's order."""
    details = error.errors(include_url=False)
    problems = [_problem(one) for one in details]
    first = min(problems, key=lambda one: BY_CODE[one.reason].kind != "contract")
    if len(problems) == 1:
        return first
    return Problem(first.reason, first.field, f"{first.message} (and {len(problems) - 1} more)")


def _problem(detail: ErrorDetails) -> Problem:
    path = _path(detail["loc"])
    reason, text = _meaning(detail)
    return Problem(reason, path, f"{path} {text}")


def _meaning(detail: ErrorDetails) -> tuple[str, str]:
    kind = detail["type"]
    if kind in _WRONG_TYPE:
        return "wrong_type", _WRONG_TYPE[kind]
    if kind == "missing":
        return "missing", "is missing"
    if kind == "literal_error" and not isinstance(detail["input"], str):
        return "wrong_type", "is not a string"
    if kind == "literal_error":
        return "not_allowed", f"is not one of {detail['ctx']['expected']}"
    if kind == "string_unicode":
        return "bad_text", "holds half a surrogate pair"
    return kind, detail["msg"]


def _path(loc: tuple[int | str, ...]) -> str:
    # A fault in a name of free content is reported at the content: the name is the client's own.
    known = loc[:-2] if loc[-1:] == ("[key]",) else loc
    path = "data"
    for step in known:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path
