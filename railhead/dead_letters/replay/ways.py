"""What is asked of a way to send items again? To check them first, and to send those that hold.

By the door (`by_api`) or straight into the topics (`by_kafka`), under one contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from railhead.dead_letters.replay.items import ReplayItem


class ReplayRefusal(NamedTuple):
    """Why the item at `place` of those asked about does not hold to the contract."""

    place: int
    reason: str
    field: str
    message: str


class ReplayStoppedError(Exception):
    """Items could not be sent, or not be checked; the text says why. Trying again is safe."""


class Way(Protocol):
    """A way to send the items of one tenant."""

    name: str

    def check(self, items: Sequence[ReplayItem]) -> list[ReplayRefusal]:
        """Say which of *items* do not hold; nothing is stored.

        Raises:
            StoppedError: it could not be told.
        """

    def send(self, items: Sequence[ReplayItem]) -> list[ReplayRefusal]:
        """Send *items*; when it returns, all but the refused ones are stored durably.

        Raises:
            StoppedError: some may be stored and some not. Ids make sending them again harmless.
        """

    def close(self) -> None:
        """Give connections back."""
