"""The contract of a way to send items again: it checks them first and sends those that are valid.

Through the ingest API (`by_api`) or straight into the topics (`by_kafka`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from events.check.result import Rejection
from railhead.dead_letters.replay.items import ReplayItem


class ReplayStoppedError(Exception):
    """Items could not be sent, or not be checked; the text says why. Trying again is safe."""


class Way(Protocol):
    """A way to send the items of one tenant."""

    name: str

    def check(self, items: Sequence[ReplayItem]) -> list[Rejection]:
        """Say which of *items* are not valid; nothing is stored.

        Raises:
            ReplayStoppedError: they could not be checked.
        """

    def send(self, items: Sequence[ReplayItem]) -> list[Rejection]:
        """Send *items*; when it returns, all but the rejected ones are stored durably.

        Raises:
            ReplayStoppedError: some may be stored and some not. Sending all again is harmless.
        """

    def close(self) -> None:
        """Close connections."""
