"""Sends items again through the ingest API, as any client does, with retries, checked first."""

from __future__ import annotations

from collections.abc import Sequence

from events.check.result import Rejection
from railhead.dead_letters.replay.items import ReplayItem
from railhead.dead_letters.replay.ways import ReplayStoppedError
from railhead.send import client
from railhead.send.batching import RequestBatch
from railhead.send.connection import FIRST_ANSWER_SECONDS, UNREACHABLE, ApiConnection
from railhead.send.reading import FileItem


class ByApi:
    """Sends through the ingest API at *url*; *key* must be the key of the items' tenant."""

    name = "door"

    def __init__(self, url: str, key: str, *, give_up_after_seconds: float = 300.0) -> None:
        """Connect later.

        Raises:
            ValueError: *url* is not an address.
        """
        self._connection = ApiConnection(url, key)
        self._give_up_after_seconds = give_up_after_seconds
        self._has_answered = False

    def check(self, items: Sequence[ReplayItem]) -> list[Rejection]:
        """Ask the ingest API, which stores nothing."""
        return self._post(items, dry_run=True)

    def send(self, items: Sequence[ReplayItem]) -> list[Rejection]:
        """Send, with retries, until the ingest API has taken all."""
        return self._post(items, dry_run=False)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _post(self, items: Sequence[ReplayItem], *, dry_run: bool) -> list[Rejection]:
        if not items:
            return []
        send_options = client.SendOptions(
            report=True, dry_run=dry_run, give_up_after_seconds=self._give_up_after_seconds
        )
        batch = RequestBatch(
            tuple(FileItem(position, item.raw) for position, item in enumerate(items))
        )
        self._wait_for_first_answer()
        try:
            return list(client.ApiClient(self._connection, send_options).send(batch))
        except client.SendStoppedError as error:
            raise ReplayStoppedError(str(error)) from None

    def _wait_for_first_answer(self) -> None:
        """Stop soon if the ingest API hangs or is not there; batches are tried for longer."""
        if self._has_answered:
            return
        answer = self._connection.first_answer(within_seconds=FIRST_ANSWER_SECONDS)
        if answer.status == UNREACHABLE:
            raise ReplayStoppedError(f"the ingest API does not answer: {answer.text}")
        self._has_answered = True
