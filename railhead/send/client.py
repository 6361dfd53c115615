"""Sends batches to the ingest API: retries them, splits them, or stops with the reason.

The contract makes repeats harmless, so whatever may have failed is sent again as a whole: no
answer, 503, 510 and the like. A refusal that would be the same next time stops the client.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from events.check.result import Rejection
from railhead.send.batching import RequestBatch, compressed
from railhead.send.connection import UNREACHABLE, Answer
from railhead.send.reading import FileItem

FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 15.0
TRY_AGAIN: Final = frozenset({UNREACHABLE, 408, 425, 429, 500, 502, 503, 504, 507, 510})
TOO_LARGE: Final = 413


class SendStoppedError(Exception):
    """The batch could not be sent; the text says why. Sending it again later is safe."""


class Posting(Protocol):
    """Posts a body and returns an answer, as `railhead.send.connection.ApiConnection` does."""

    def post(self, body: bytes, *, gzip: bool = False, query: str = "") -> Answer:
        """Post *body* once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """How to send: compressed, with a report of rejected items, as a dry run, for how long.

    `give_up_after_seconds` counts from a batch's first failure.
    """

    gzip: bool = False
    report: bool = False
    dry_run: bool = False
    give_up_after_seconds: float = 300.0

    @property
    def query(self) -> str:
        """The query string that says so."""
        return "?dry_run=1" if self.dry_run else "?report=1" if self.report else ""


@dataclass(slots=True)
class SendClock:
    """Clock and random numbers, so that tests need not wait."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


@dataclass(slots=True)
class SendCounts:
    """What was done so far; `attempts` beyond `requests` are repeats."""

    items: int = 0
    requests: int = 0
    attempts: int = 0
    rejected: int = 0
    body_bytes: int = 0
    waiting_for: str = field(default="", compare=False)


def pause_seconds(failures: int, answer: Answer, chance: float) -> float:
    """Return how long to wait after *failures* in a row: as the ingest API asks, or longer.

    Doubles from 0.2 s to 15 s, spread over half of itself so that clients do not return together.
    """
    grown = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 20))
    return max(grown * (0.5 + chance / 2), answer.retry_after_seconds or 0.0)


class ApiClient:
    """Sends batches one after the other; `counts` show the progress."""

    def __init__(
        self, connection: Posting, send_options: SendOptions, clock: SendClock | None = None
    ) -> None:
        self.counts = SendCounts()
        self._connection = connection
        self._send_options = send_options
        self._clock = clock or SendClock()

    def send(self, batch: RequestBatch) -> Iterator[Rejection]:
        """Send *batch* until it is taken; yields its rejected items, if a report was asked for.

        When this ends, every item of the batch is stored or was rejected by the contract.

        Raises:
            SendStoppedError: it was not taken in time, or never will be.
        """
        answer = self._until_answered(batch)
        if answer.status == TOO_LARGE and len(batch.items) > 1:
            for half in batch.halves():
                yield from self.send(half)
            return
        if answer.status not in {200, 204}:
            msg = f"{batch.positions()} cannot be sent: {answer.reason()}"
            raise SendStoppedError(msg)
        self.counts.items += len(batch.items)
        for reject in rejects(batch.items, answer.body):
            self.counts.rejected += 1
            yield reject

    def _until_answered(self, batch: RequestBatch) -> Answer:
        """Post until the answer is one that another try would not change."""
        plain = batch.body()
        body = compressed(plain) if self._send_options.gzip else plain
        self.counts.requests += 1
        failures, give_up_at = 0, 0.0
        while True:
            self.counts.attempts += 1
            self.counts.body_bytes += len(body)
            answer = self._connection.post(
                body, gzip=self._send_options.gzip, query=self._send_options.query
            )
            if answer.status not in TRY_AGAIN:
                self.counts.waiting_for = ""
                return answer
            failures += 1
            self.counts.waiting_for = answer.reason()
            give_up_at = give_up_at or self._clock.now() + self._send_options.give_up_after_seconds
            pause = pause_seconds(failures, answer, self._clock.chance())
            if self._clock.now() + pause > give_up_at:
                msg = f"{batch.positions()} not taken after {failures} attempts: {answer.reason()}"
                raise SendStoppedError(msg)
            self._clock.sleep(pause)


def rejects(items: tuple[FileItem, ...], report: dict[str, Any]) -> Iterator[Rejection]:
    """Yield the items that *report* says were rejected, by position in the file."""
    for outcome in report.get("outcomes", ()):
        if outcome["outcome"] in {"rejected", "invalid"}:
            yield Rejection(
                items[outcome["position"]].position,
                outcome.get("event"),
                outcome["reason"],
                outcome.get("field"),
                outcome.get("message", ""),
            )
