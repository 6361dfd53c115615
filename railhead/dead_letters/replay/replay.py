"""Sends dead letters again: checked first, sent if valid, recorded, at a bounded rate.

1. What would be rejected again is not sent: it would only come back as another dead letter. The
   new reason is reported.
2. What is valid is sent, and only then recorded. After a crash in between it is sent again: its id
   makes that harmless. The same holds for a second replay: stored twice is stored once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter

from events.check.result import Rejection
from railhead.dead_letters.archive import Archive, Replayed
from railhead.dead_letters.dead_letter import DeadLetter
from railhead.dead_letters.replay.corrections import Mend
from railhead.dead_letters.replay.items import CannotSendError, ReplayItem, item_of
from railhead.dead_letters.replay.pace import Pace
from railhead.dead_letters.replay.ways import Way
from railhead.send.batching import grouped

LARGEST_BATCH_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """How to replay: `name` of the run, what to set in each item, whether it is a dry run."""

    name: str
    mends: tuple[Mend, ...] = ()
    dry_run: bool = False


@dataclass(slots=True)
class ReplayCounts:
    """What was done so far; in a dry run `sent` is what would be sent."""

    dead_letters: int = 0
    sent: int = 0
    refused: int = 0


@dataclass(slots=True)
class Replay:
    """One run; `counts` show the progress."""

    way: Way
    archive: Archive
    plan: ReplayPlan
    pace: Pace
    counts: ReplayCounts = field(default_factory=ReplayCounts)
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def run(self, dead_letters: Iterable[DeadLetter]) -> Iterator[Replayed]:
        """Replay *dead_letters*, which are one tenant's; yields the result of each.

        Raises:
            ReplayStoppedError: they could not be sent; what was yielded is done.
        """
        length = attrgetter("raw_length")
        for batch in grouped(dead_letters, length, self.pace.batch, LARGEST_BATCH_BYTES):
            done = self._batch(batch)
            self.counts.dead_letters += len(batch)
            self.counts.refused += sum(one.outcome == "refused" for one in done)
            self.counts.sent += sum(one.outcome == "sent" for one in done)
            yield from done

    def _batch(self, dead_letters: Sequence[DeadLetter]) -> list[Replayed]:
        done: list[Replayed] = []
        items: list[ReplayItem] = []
        for dead_letter in dead_letters:
            try:
                items.append(item_of(dead_letter, self.plan.mends))
            except CannotSendError as error:
                why = Rejection(0, None, error.reason, error.field, str(error))
                done.append(self._replayed(dead_letter, "refused", why))
        self.pace.wait(len(items))
        good, refused = self._split(items, self.way.check(items))
        done += refused
        if not self.plan.dry_run:
            good, refused = self._split(good, self.way.send(good))
            done += refused
        done += [self._replayed(item.dead_letter, "sent") for item in good]
        if not self.plan.dry_run:
            self.archive.note(done)
        return done

    def _split(
        self, items: Sequence[ReplayItem], refusals: Sequence[Rejection]
    ) -> tuple[list[ReplayItem], list[Replayed]]:
        """The valid items, and the results of those that are not."""
        why = {one.position: one for one in refusals}
        good = [item for position, item in enumerate(items) if position not in why]
        refused = [
            self._replayed(items[position].dead_letter, "refused", one)
            for position, one in sorted(why.items())
        ]
        return good, refused

    def _replayed(
        self, dead_letter: DeadLetter, outcome: str, why: Rejection | None = None
    ) -> Replayed:
        return Replayed(
            dead_letter=dead_letter,
            replay=self.plan.name,
            replayed_at=self.wall_clock(),
            via=self.way.name,
            changes="\n".join(one.text for one in self.plan.mends),
            outcome=outcome,
            reason=why.reason if why else "",
            field=(why and why.field) or "",
            message=why.message if why else "",
        )
