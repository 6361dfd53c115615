"""What is told of the evening? One valid item at a time, or two that contradict each other."""

from __future__ import annotations

from typing import NamedTuple


class SentItem(NamedTuple):
    """One valid item: its event type, its JSON text, and whether it may be sent again later."""

    event: str
    text: str
    contested: bool = False


class Clash(NamedTuple):
    """A payment told twice under one id with two statuses: the first counts."""

    first: SentItem
    later: SentItem


Remembered = SentItem | Clash
