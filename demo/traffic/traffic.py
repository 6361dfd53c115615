"""The request bodies that a client posts in one evening, and their expected outcomes.

`batches(seed, events)` yields ready request bodies, each with the expected outcomes of its items:
stored once, repeat, conflict, or rejected. The sums do not depend on the order in which bodies
arrive, as long as each body is posted until it is answered 204.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from demo.traffic.evening import Evening
from demo.traffic.items import ConflictingPair, SentItem
from demo.traffic.mistakes import mistakes_for

EVENING = dt.date(2026, 1, 16)

ItemOutcome = tuple[str, str]
"""The outcome of an item: ("stored", EVENT), ("repeat", EVENT), ("conflict", EVENT) or
("rejected", reason code of `events.contract.reasons`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How careful the client is: the share of items that are repeats, and that are invalid.

    Half of the repeats come alone, half as whole batches sent again.
    """

    repeats: float = 0.03
    invalid: float = 0.02
    conflicts: bool = True


@dataclass(slots=True)
class Tally:
    """The expected outcomes of items; tallies can be added."""

    outcomes: Counter[ItemOutcome] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Add *other*'s items."""
        self.outcomes.update(other.outcomes)

    def total(self, outcome: str, of: str | None = None) -> int:
        """Count the items with one outcome, all of them or those *of* one event type or reason."""
        return sum(
            count
            for (name, detail), count in self.outcomes.items()
            if name == outcome and of in {None, detail}
        )

    @property
    def items(self) -> int:
        """All items: stored + repeats + conflicts + rejected."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class SentBatch:
    """One request: its body, its number of items and their expected outcomes."""

    body: bytes
    items: int
    tally: Tally
    is_retry: bool = False


def batches(
    seed: int,
    events: int,
    batch_size: int = 1000,
    *,
    mix: Mix = Mix(),
    evening: dt.date = EVENING,
) -> Iterator[SentBatch]:
    """Yield an evening of exactly *events* items, repeats and invalid ones among them.

    The same arguments give the same bytes. Other seeds give other ids, so that evenings posted to
    one tenant one after the other add up. Of bodies posted at the same time, the first received
    counts; no sum changes.
    """
    sent = _sent(Evening(seed, events, evening), mix, Random(f"sent {seed}"))  # noqa: S311  repeatable, not secret
    left, repeats_due = events, batch_size / 2
    while left:
        size = min(batch_size, left)
        drawn = [next(sent) for _ in range(size)]
        tally = Tally(Counter([outcome for outcome, _, _ in drawn]))
        batch = SentBatch(f"[{','.join([text for _, text, _ in drawn])}]".encode(), size, tally)
        yield batch
        left -= size
        repeats_due += size * mix.repeats / 2
        if (
            mix.repeats
            and repeats_due >= size <= left
            and not any(contested for _, _, contested in drawn)
        ):
            yield SentBatch(batch.body, size, _again(tally), is_retry=True)
            left -= size
            repeats_due -= size


def expected(seed: int, events: int, batch_size: int = 1000, *, mix: Mix = Mix()) -> Tally:
    """Return the expected outcomes of a whole evening, by generating it once."""
    tally = Tally()
    for batch in batches(seed, events, batch_size, mix=mix):
        tally.add(batch.tally)
    return tally


def _again(tally: Tally) -> Tally:
    """Return the outcomes of the same items when they are sent a second time."""
    again: Counter[ItemOutcome] = Counter()
    for (outcome, detail), count in tally.outcomes.items():
        again[("repeat" if outcome == "stored" else outcome, detail)] += count
    return Tally(again)


def _sent(evening: Evening, mix: Mix, random: Random) -> Iterator[tuple[ItemOutcome, str, bool]]:
    """Send *evening* as a careless client does; yield outcome, text and whether it is contested.

    An invalid item comes before the valid one with the same id: a rejected item does not use up
    its id. Contested items (payments sent with two statuses) are never sent a third time, because
    the outcome of a third one would depend on the order of arrival.
    """
    chance = random.random
    alone, later = mix.repeats / 2, deque[SentItem]()
    for entry in evening.items():
        item = entry.first if isinstance(entry, ConflictingPair) else entry
        if chance() < mix.invalid:
            mistakes = mistakes_for(item.event)
            mistake = mistakes[int(chance() * len(mistakes))]
            yield ("rejected", mistake.reason), mistake.make_mistake(item.text), False
        yield ("stored", item.event), item.text, item.contested
        if isinstance(entry, ConflictingPair):
            if mix.conflicts:
                yield ("conflict", item.event), entry.later.text, True
        elif chance() < alone:
            later.append(item)
        if len(later) > 100 or (later and chance() < alone):
            again = later.popleft()
            yield ("repeat", again.event), again.text, False
