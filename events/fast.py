"""Which items of a slice are surely valid? Answered for all of them together, in columns.

The accept set is a part of the slow road's, with the same rows: whatever is not proved here is left
over for `events.slow`, and nothing is ever refused here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from events.group import REFUSALS, Group, Slice
from events.quotes import doubt_repeated_names
from events.registry import EVENT_TYPES, EventType
from events.shapes import Decode, bare_decoder, item_decoder, shape_of, whole_decoder
from events.vectors import check_values

# The marks of {"event":"…","data":…}: two names and one value.
WHOLE_FRAME: Final = 6
BARE_FRAME: Final = 0


def sort_items(slices: Sequence[Slice]) -> tuple[list[Group], list[int]]:
    """Decode whole items and group them by type; returns the positions left over too."""
    groups = {
        shape_of(event_type.model).row: Group(event_type, WHOLE_FRAME) for event_type in EVENT_TYPES
    }
    add = {row: (group.rows.append, group.positions.append) for row, group in groups.items()}
    decode = item_decoder()
    left: list[int] = []
    for position, raw in enumerate(slices):
        try:
            row = decode(raw).data
        except REFUSALS:
            left.append(position)
            continue
        add_row, add_position = add[row.__class__]
        add_row(row)
        add_position(position)
    return _weeded(groups.values(), slices, left)


def sort_records(
    event_type: EventType, values: Sequence[Slice | None]
) -> tuple[list[Group], list[int]]:
    """Decode one type's records, whole items or bare data; returns the positions left over too.

    Producers of a topic mostly agree with themselves, so each record is first tried the way the
    one before it was.
    """
    likely = _Way(Group(event_type, WHOLE_FRAME), whole_decoder(event_type), framed=True)
    other = _Way(Group(event_type, BARE_FRAME), bare_decoder(event_type), framed=False)
    ways = (likely.group, other.group)
    left: list[int] = []
    for position, value in enumerate(values):
        if value is not None and likely.take(position, value):
            continue
        if value is not None and other.take(position, value):
            likely, other = other, likely
        else:
            left.append(position)
    return _weeded(ways, values, left)


class _Way:
    """One way to read a record."""

    def __init__(self, group: Group, decode: Decode, *, framed: bool) -> None:
        self.group = group
        self.decode = decode
        self.framed = framed

    def take(self, position: int, value: Slice) -> bool:
        """Decode *value* into the group; False if it does not read this way."""
        try:
            row = self.decode(value)
        except REFUSALS:
            return False
        self.group.rows.append(row.data if self.framed else row)
        self.group.positions.append(position)
        return True


def _weeded(
    groups: Iterable[Group], slices: Sequence[Slice | None], left: list[int]
) -> tuple[list[Group], list[int]]:
    found = [group for group in groups if group.rows]
    nested = {group: group.nested() for group in found}
    for group in found:
        group.slices = [slices[position] for position in group.positions]  # type: ignore[misc]
        doubt_repeated_names(group, nested[group])
    check_values([*found, *(inner for inners in nested.values() for inner in inners)])
    for group in found:
        left += group.take_doubtful()
    return [group for group in found if group.rows], sorted(left)
