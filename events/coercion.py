"""How does an item read when its numbers, where the contract says string, are put in quotes?

For tenants whose sender writes ids as numbers (`coerce_ids`). The digits stay as they were sent:
`686` becomes `"686"` and `1e2` becomes `"1e2"`. Nothing else of the text changes, so what is
published is the sender's item, made valid.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from events.fields import Field, Kind, fields_of
from events.jsontext import elements, members


def quote_numbers(text: str, start: int, model: type[BaseModel]) -> bytes | None:
    """Rewrite the object of *model* at *start* of *text*; None if nothing needs it."""
    pieces: list[str] = []
    done = 0
    for begin, end in _numbers(text, start, model):
        pieces += [text[done:begin], '"', text[begin:end], '"']
        done = end
    return "".join([*pieces, text[done:]]).encode() if pieces else None


def _numbers(text: str, start: int, model: type[BaseModel]) -> Iterator[tuple[int, int]]:
    if text[start] != "{":
        return
    by_name = {field.name: field for field in fields_of(model)}
    for name, begin, end in members(text, start):
        field = by_name.get(name)
        if field is not None and field.kind is Kind.TEXT and text[begin] in "-0123456789":
            yield begin, end
        elif field is not None:
            yield from _nested(text, begin, field)


def _nested(text: str, start: int, field: Field) -> Iterator[tuple[int, int]]:
    if field.model is None or text[start] != "[":
        return
    for begin in elements(text, start):
        yield from _numbers(text, begin, field.model)
