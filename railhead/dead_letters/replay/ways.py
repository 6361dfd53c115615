"""The contract of a way to send items again: it checks them first and sends those that are valid.

Through the ingest API (`by_api`) or straight into the topics (`by_kafka`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from railhead.dead_letters.replay.items import ReplayItem


class ReplayRefusal(NamedTuple):
    """Why the item at `position` of those asked about is not valid."""

    position: int
    reason: str
    field: str
    message: str


class ReplayStoppedError(Exception):
    """Items could not be sent, or not be checked; the text says why. Trying again is safe."""


class Way(Protocol):
    """A way to send the items of one tenant."""

    name: str

    def check(self, items: Sequence[ReplayItem]) -> list[ReplayRefusal]:
        """Say which of *items* are not valid; nothing is stored.

        Raises:
            ReplayStoppedError: they could not be checked.
        """

    def send(self, items: Sequence[ReplayItem]) -> list[ReplayRefusal]:
        """Send *items*; when it returns, all but the rejected ones are stored durably.

        Raises:
            ReplayStoppedError: some may be stored and some not. Sending all again is harmless.
        """

    def close(self) -> None:
        """Close connections."""
