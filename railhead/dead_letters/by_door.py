"""How do items go in by the door again? As any sender's do, with retries, checked first."""

from __future__ import annotations

from collections.abc import Sequence

from railhead.dead_letters.items import Item
from railhead.dead_letters.ways import Refusal, StoppedError
from railhead.send import sender
from railhead.send.batching import Batch
from railhead.send.door import Door
from railhead.send.reading import Item as SentItem


class ByDoor:
    """Sends by the door at *url*; *key* must be the key of the items' tenant."""

    name = "door"

    def __init__(self, url: str, key: str, *, give_up_after_seconds: float = 300.0) -> None:
        """Connect later.

        Raises:
            ValueError: *url* is not an address.
        """
        self._door = Door(url, key)
        self._give_up_after_seconds = give_up_after_seconds

    def check(self, items: Sequence[Item]) -> list[Refusal]:
        """Ask the door, which stores nothing."""
        return self._post(items, dry_run=True)

    def send(self, items: Sequence[Item]) -> list[Refusal]:
        """Send, again and again until the door has taken all."""
        return self._post(items, dry_run=False)

    def close(self) -> None:
        """Hang up."""
        self._door.close()

    def _post(self, items: Sequence[Item], *, dry_run: bool) -> list[Refusal]:
        if not items:
            return []
        wishes = sender.Wishes(
            report=True, dry_run=dry_run, give_up_after_seconds=self._give_up_after_seconds
        )
        batch = Batch(tuple(SentItem(place, item.raw) for place, item in enumerate(items)))
        try:
            return [
                Refusal(one.place, one.reason, one.field or "", one.message)
                for one in sender.Sender(self._door, wishes).send(batch)
            ]
        except sender.StoppedError as error:
            raise StoppedError(str(error)) from None
