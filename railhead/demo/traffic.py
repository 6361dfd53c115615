"""What does a sender post in one evening, and what must have become of it at the end?

`batches(seed, events)` yields ready request bodies and, with each, what its items must come to:
stored once, repeat, conflict, or rejected. The sums do not depend on the order in which bodies
arrive, as long as a body is posted until it is answered 204.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from railhead.demo.evening import Evening
from railhead.demo.items import Clash, Item
from railhead.demo.spoil import mistakes_for

EVENING = dt.date(2026, 1, 16)

Fate = tuple[str, str]
"""What becomes of an item: ("stored", EVENT), ("repeat", EVENT), ("conflict", EVENT) or
("rejected", reason code of `events.reasons`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How clean the sender is: the share of items that are repeats, and that are invalid.

    Half of the repeats come alone, half as whole batches sent again.
    """

    repeats: float = 0.03
    invalid: float = 0.02
    conflicts: bool = True


@dataclass(slots=True)
class Tally:
    """What items must come to; tallies add up."""

    fates: Counter[Fate] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Count *other*'s items too."""
        self.fates.update(other.fates)

    def total(self, fate: str, of: str | None = None) -> int:
        """Count the items of one fate, all of them or those *of* one event type or reason."""
        return sum(
            count
            for (name, detail), count in self.fates.items()
            if name == fate and of in {None, detail}
        )

    @property
    def items(self) -> int:
        """All items: stored + repeats + conflicts + rejected."""
        return sum(self.fates.values())


@dataclass(frozen=True, slots=True)
class Batch:
    """One request: its body, its items and what they must come to."""

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
) -> Iterator[Batch]:
    """Yield an evening of exactly *events* items, repeats and invalid ones among them.

    The same arguments give the same bytes. Other seeds give other ids, so that evenings posted to
    one tenant one after the other add up. Of bodies posted at the same time, the first received
    counts; no sum changes.
    """
    sent = _sent(Evening(seed, events, evening), mix, Random(f"sent {seed}"))  # noqa: S311  repeatable, not secret
    left, owed = events, batch_size / 2
    while left:
        size = min(batch_size, left)
        told = [next(sent) for _ in range(size)]
        tally = Tally(Counter([fate for fate, _, _ in told]))
        batch = Batch(f"[{','.join([text for _, text, _ in told])}]".encode(), size, tally)
        yield batch
        left -= size
        owed += size * mix.repeats / 2
        if mix.repeats and owed >= size <= left and not any(contested for _, _, contested in told):
            yield Batch(batch.body, size, _again(tally), is_retry=True)
            left -= size
            owed -= size


def expected(seed: int, events: int, batch_size: int = 1000, *, mix: Mix = Mix()) -> Tally:
    """Return what a whole evening must come to, by telling it once."""
    tally = Tally()
    for batch in batches(seed, events, batch_size, mix=mix):
        tally.add(batch.tally)
    return tally


def _again(tally: Tally) -> Tally:
    """Return what the same items come to when they are sent a second time."""
    again: Counter[Fate] = Counter()
    for (fate, detail), count in tally.fates.items():
        again[("repeat" if fate == "stored" else fate, detail)] += count
    return Tally(again)


def _sent(evening: Evening, mix: Mix, random: Random) -> Iterator[tuple[Fate, str, bool]]:
    """Tell *evening* as a careless sender does; each item with its fate and if it is contested.

    A spoiled item comes before the right one with the same id: a rejected item has not used up
    its id. Contested items (payments told with two statuses) are never sent a third time, because
    what a third telling comes to would depend on the order of arrival.
    """
    chance = random.random
    alone, later = mix.repeats / 2, deque[Item]()
    for told in evening.items():
        item = told.first if isinstance(told, Clash) else told
        if chance() < mix.invalid:
            mistakes = mistakes_for(item.event)
            mistake = mistakes[int(chance() * len(mistakes))]
            yield ("rejected", mistake.reason), mistake.spoil(item.text), False
        yield ("stored", item.event), item.text, item.contested
        if isinstance(told, Clash):
            if mix.conflicts:
                yield ("conflict", item.event), told.later.text, True
        elif chance() < alone:
            later.append(item)
        if len(later) > 100 or (later and chance() < alone):
            again = later.popleft()
            yield ("repeat", again.event), again.text, False
