"""The columnar check: proves items valid all together, in columns.

It accepts only items that the exact check accepts, and makes the same rows: whatever is not proved
here is left for `events.check.exact`, and nothing is ever rejected here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import NoneType
from typing import Any, Final

from events.check.columnar.decoded_rows import REJECTIONS, Group, JsonText
from events.check.columnar.quotes import doubt_repeated_names
from events.check.columnar.row_classes import (
    Decode,
    bare_decoder,
    item_decoder,
    item_variants,
    whole_decoder,
)
from events.check.columnar.vectors import check_values
from events.contract.registry import EventType

# The quotes of {"event":"…","data":…}: two names and one value.
WHOLE_FRAME: Final = 6
BARE_FRAME: Final = 0


def sort_items(texts: Sequence[JsonText]) -> tuple[list[Group], list[int]]:
    """Decode whole items and group them by type; returns the positions left over too."""
    decoded: list[Any] = []
    waiting = iter(texts)
    while not _decode_run(item_decoder(), waiting, decoded):
        decoded.append(None)
    groups = {variant: Group(row, WHOLE_FRAME) for row, variant in item_variants().items()}
    left: list[int] = []
    add: dict[type, Callable[[int], None]] = {NoneType: left.append}
    add |= {variant: group.positions.append for variant, group in groups.items()}
    for position, item in enumerate(decoded):
        add[item.__class__](position)
    for group in groups.values():
        group.rows = [decoded[position].data for position in group.positions]
    return _without_doubtful(groups.values(), texts, left)


def sort_records(
    event_type: EventType, values: Sequence[JsonText | None]
) -> tuple[list[Group], list[int]]:
    """Decode one type's records, whole items or bare data; returns the positions left over too.

    A producer mostly writes all its records in one form, so each record is first tried in the form
    of the one before it.
    """
    whole, bare = Group(event_type, WHOLE_FRAME), Group(event_type, BARE_FRAME)
    likely, other = (whole_decoder(event_type), whole), (bare_decoder(event_type), bare)
    left: list[int] = []
    waiting = iter(values)
    position = 0
    while (position := _take_run(likely, waiting, position)) < len(values):
        if _take_run(other, iter(values[position : position + 1]), position) > position:
            likely, other = other, likely
        else:
            left.append(position)
        position += 1
    whole.rows = [item.data for item in whole.rows]  # type: ignore[attr-defined]
    return _without_doubtful((whole, bare), values, left)


def _take_run(form: tuple[Decode, Group], waiting: Iterator[JsonText | None], start: int) -> int:
    """Decode into the group until a record fails; returns the position of that record."""
    decode, group = form
    before = len(group.rows)
    _decode_run(decode, waiting, group.rows)
    end = start + len(group.rows) - before
    group.positions += range(start, end)
    return end


def _decode_run(decode: Decode, waiting: Iterator[JsonText | None], into: list[Any]) -> bool:
    """Decode until one fails, which is then taken off the iterator; True if none did.

    A loop in C: what was decoded before the failure stays in the list.
    """
    try:
        into.extend(map(decode, waiting))
    except (*REJECTIONS, TypeError):  # TypeError: a record without a value
        return False
    return True


def _without_doubtful(
    groups: Iterable[Group], texts: Sequence[JsonText | None], left: list[int]
) -> tuple[list[Group], list[int]]:
    found = [group for group in groups if group.rows]
    for group in found:
        group.json_texts = [texts[position] for position in group.positions]  # type: ignore[misc]
        doubt_repeated_names(group)
    check_values([*found, *(inner for group in found for inner in group.nested().values())])
    for group in found:
        left += group.take_doubtful()
    return [group for group in found if group.rows], sorted(left)
