"""Corrects an item by setting one field; everything else stays as it was sent.

Only the objects on the path to the field are decoded. All other content is copied as text, so that
amounts keep their digits and unknown fields their position.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Raw

_PATH: Final = re.compile(r"[^.\[\]=]+(?:\[\d{1,6}\])*(?:\.[^.\[\]=]+(?:\[\d{1,6}\])*)*")
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_MOST_STEPS: Final = 32


class CannotMendError(Exception):
    """The field cannot be set in this item; the text says why."""


@dataclass(frozen=True, slots=True)
class Mend:
    """Set the field at `path` (names, and indexes in lists) to `value`, which is JSON text."""

    path: tuple[str | int, ...]
    value: bytes
    text: str


def parse_mend(text: str) -> Mend:
    """Read `data.currency=EUR`: a path from the item's top, and JSON or else a string.

    Without `data.` or `event` in front the path is one of data's fields.

    Raises:
        ValueError: it is not a path with a value.
    """
    path, sign, value = text.partition("=")
    if not sign or not _PATH.fullmatch(path):
        raise ValueError(f"{text!r}: give field=value, such as data.currency=EUR")
    steps = tuple(int(at) if at else name for name, at in _STEP.findall(path))
    if steps[0] not in {"data", "event"}:
        steps = ("data", *steps)
    if len(steps) > _MOST_STEPS:
        raise ValueError(f"{path!r} is deeper than any item can be")
    return Mend(steps, _as_json(value), text)


def _as_json(value: str) -> bytes:
    try:
        json.loads(value, parse_constant=_refuse)
    except ValueError:
        return json.dumps(value).encode()
    return value.strip().encode()


def _refuse(name: str) -> None:
    raise ValueError(name)


def mend(item: bytes, mends: tuple[Mend, ...]) -> bytes:
    """The *item* with all *mends* applied, in order.

    Raises:
        CannotMendError: it is not JSON, or the path does not exist in it.
    """
    for one in mends:
        try:
            item = _set(item, one.path, one.value)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise CannotMendError(f"{one.text}: {error}") from None
    return item


def _set(text: bytes, path: tuple[str | int, ...], value: bytes) -> bytes:
    if not path:
        return value
    step, *rest = path
    if isinstance(step, int):
        elements = msgspec.json.decode(text, type=list[Raw])
        if step >= len(elements):
            raise CannotMendError(f"there is no [{step}]: the list has {len(elements)}")
        elements[step] = Raw(_set(bytes(elements[step]), tuple(rest), value))
        return msgspec.json.encode(elements)
    fields = msgspec.json.decode(text, type=dict[str, Raw])
    if rest and step not in fields:
        raise CannotMendError(f"there is no {step}")
    inner = bytes(fields[step]) if rest else b""
    fields[step] = Raw(_set(inner, tuple(rest), value))
    return msgspec.json.encode(fields)
