"""What a replay sends, reports and records, through whichever way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from events.check.result import Rejection
from railhead.dead_letters.archive import Archive, Replayed
from railhead.dead_letters.dead_letter import DeadLetter, DeadLetterId
from railhead.dead_letters.replay.corrections import parse_mend
from railhead.dead_letters.replay.items import ReplayItem
from railhead.dead_letters.replay.pace import Pace
from railhead.dead_letters.replay.replay import Replay, ReplayPlan
from railhead.dead_letters.replay.ways import ReplayStoppedError
from tests.railhead.dead_letters.test_dead_letters import dead_letter


class MemoryWay:
    """Takes items that say "good"; may stop after some batches."""

    name = "memory"

    def __init__(self, *, stops_after: int = 1_000) -> None:
        self.sent: list[bytes] = []
        self.stops_after = stops_after

    def check(self, items: Sequence[ReplayItem]) -> list[Rejection]:
        """Reject what is not good."""
        return [
            Rejection(position, None, "missing", "data.good", "not good")
            for position, item in enumerate(items)
            if b"good" not in item.raw
        ]

    def send(self, items: Sequence[ReplayItem]) -> list[Rejection]:
        """Take them."""
        if self.stops_after == 0:
            raise ReplayStoppedError("no API")
        self.stops_after -= 1
        self.sent += [item.raw for item in items]
        return []

    def close(self) -> None:
        """Nothing to close."""


class MemoryArchive:
    """Keeps what is recorded."""

    def __init__(self) -> None:
        self.notes: list[Replayed] = []

    def note(self, replayed: Sequence[Replayed]) -> None:
        """Keep them."""
        self.notes += replayed


def replay_of(
    way: MemoryWay, archive: MemoryArchive, plan: ReplayPlan, rate: float = 2.0
) -> Replay:
    """A replay that takes two dead letters at once and does not wait."""
    pace = Pace(rate, now=lambda: 0.0, sleep=lambda _: None)
    return Replay(way, cast("Archive", archive), plan, pace)


def dead_letters(*raws: str) -> list[DeadLetter]:
    """Dead letters with ids 0:0, 0:1 and so on."""
    return [dead_letter(raw, id=DeadLetterId(0, number)) for number, raw in enumerate(raws)]


def reported(done: Sequence[Replayed]) -> list[tuple[int, str, str]]:
    """Which dead letter, its outcome, and why."""
    return sorted((one.dead_letter.id.offset, one.outcome, one.reason) for one in done)


def test_only_valid_items_are_sent() -> None:
    """The rest would come back as more dead letters; the new reason is recorded."""
    way, archive = MemoryWay(), MemoryArchive()
    replay = replay_of(way, archive, ReplayPlan(name="run"))

    done = list(replay.run(dead_letters('"good"', '"bad"', '"cut', '"good 2"')))

    assert way.sent == [b'"good"', b'"good 2"']
    assert reported(done) == [
        (0, "sent", ""),
        (1, "refused", "missing"),
        (2, "refused", "bad_json"),
        (3, "sent", ""),
    ]
    assert reported(archive.notes) == reported(done)
    assert (replay.counts.sent, replay.counts.refused) == (2, 2)


def test_a_dry_run_sends_and_records_nothing() -> None:
    """It reports what would be sent."""
    way, archive = MemoryWay(), MemoryArchive()
    replay = replay_of(way, archive, ReplayPlan(name="run", dry_run=True))

    done = list(replay.run(dead_letters('"good"', '"bad"')))

    assert (way.sent, archive.notes) == ([], [])
    assert reported(done) == [(0, "sent", ""), (1, "refused", "missing")]


def test_what_was_sent_before_the_api_went_away_is_recorded() -> None:
    """The same command then goes on after it."""
    way, archive = MemoryWay(stops_after=1), MemoryArchive()
    replay = replay_of(way, archive, ReplayPlan(name="run"))

    with pytest.raises(ReplayStoppedError, match="no API"):
        list(replay.run(dead_letters(*['"good"'] * 5)))

    assert reported(archive.notes) == [(0, "sent", ""), (1, "sent", "")]


def test_mends_are_made_and_recorded() -> None:
    """With the text of what was set."""
    way, archive = MemoryWay(), MemoryArchive()
    plan = ReplayPlan(name="run", mends=(parse_mend("state=good"),))

    list(replay_of(way, archive, plan).run(dead_letters('{"data":{"amount":1.0}}')))

    assert way.sent == [b'{"data":{"amount":1.0,"state":"good"}}']
    assert archive.notes[0].changes == "state=good"
