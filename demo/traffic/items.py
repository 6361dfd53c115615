"""The items of an evening: one valid item, or two with the same id that conflict."""

from __future__ import annotations

from typing import NamedTuple


class SentItem(NamedTuple):
    """One valid item: its event type, its JSON text, and whether it may be sent again later."""

    event: str
    text: str
    contested: bool = False


class ConflictingPair(NamedTuple):
    """A payment sent twice under one id with two statuses: the first counts."""

    first: SentItem
    later: SentItem


EveningItem = SentItem | ConflictingPair
