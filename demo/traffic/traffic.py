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

from demo.traffic.evening import Evening
from demo.traffic.items import Clash, SentItem
from demo.traffic.mistakes import mistakes_for

EVENING = dt.date(2026, 1, 16)

Outcome = tuple[str, str]
"""What becomes of an item: ("stored", EVENT), ("repeat", EVENT), ("conflict", EVENT) or
("rejected", reason code of `events.contract.reasons`)."""


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

    outcomes: Counter[Outcome] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Count *other*'s items too."""
        self.outcomes.update(other.outcomes)

    def total(self, outcome: str, of: str | None = None) -> int:
        """Count the items of one fate, all of them or those *of* one event type or reason."""
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
) -> Iterator[SentBatch]:
    """Yield an evening of exactly *events* items, repeats and invalid ones among them.

    The same arguments give the same bytes. Other seeds give other ids, so that evenings posted to
    one tenant one after the other add up. Of bodies posted at the same time, the first received
    counts; no sum changes.
    """
    sent = _sent(Evening(seed, events, evening), mix, Random(f"sent {seed}"))  # noqa: S311  repeatable, not secret
    left, balances = events, batch_size / 2
    while left:
        size = min(batch_size, left)
        reported = [next(sent) for _ in range(size)]
        tally = Tally(Counter([outcome for outcome, _, _ in reported]))
        batch = SentBatch(f"[{','.join([text for _, text, _ in reported])}]".encode(), size, tally)
        yield batch
        left -= size
        balances += size * mix.repeats / 2
        if (
            mix.repeats
            and balances >= size <= left
            and not any(contested for _, _, contested in reported)
        ):
            yield SentBatch(batch.body, size, _again(tally), is_retry=True)
            left -= size
            balances -= size


def expected(seed: int, events: int, batch_size: int = 1000, *, mix: Mix = Mix()) -> Tally:
    """Return what a whole evening must come to, by telling it once."""
    tally = Tally()
    for batch in batches(seed, events, batch_size, mix=mix):
        tally.add(batch.tally)
    return tally


def _again(tally: Tally) -> Tally:
    """Return what the same items come to when they are sent a second time."""
    again: Counter[Outcome] = Counter()
    for (outcome, detail), count in tally.outcomes.items():
        again[("repeat" if outcome == "stored" else outcome, detail)] += count
    return Tally(again)


def _sent(evening: Evening, mix: Mix, random: Random) -> Iterator[tuple[Outcome, str, bool]]:
    """Tell *evening* as a careless sender does; each item with its fate and if it is contested.

    A spoiled item comes before the right one with the same id: a rejected item has not used up
    its id. Contested items (payments told with two statuses) are never sent a third time, because
    what a third telling comes to would depend on the order of arrival.
    """
    chance = random.random
    alone, later = mix.repeats / 2, deque[SentItem]()
    for reported in evening.items():
        item = reported.first if isinstance(reported, Clash) else reported
        if chance() < mix.invalid:
            mistakes = mistakes_for(item.event)
            mistake = mistakes[int(chance() * len(mistakes))]
            yield ("rejected", mistake.reason), mistake.make_mistake(item.text), False
        yield ("stored", item.event), item.text, item.contested
        if isinstance(reported, Clash):
            if mix.conflicts:
                yield ("conflict", item.event), reported.later.text, True
        elif chance() < alone:
            later.append(item)
        if len(later) > 100 or (later and chance() < alone):
            again = later.popleft()
            yield ("repeat", again.event), again.text, False
