"""Outcomes across id rules follow from the log alone, however it is cut and whatever dies."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from itertools import combinations, pairwise, product
from typing import Any, Final

import pytest

from streams.dedup.blocks import IdBlock
from streams.judge.judge import Judged
from streams.judge.outcomes import Outcome, OutcomeCounts, sum_of
from tests.streams.judge.test_other_rules import (
    CHANGED_AT,
    CONTRACT,
    WIDER,
    Partitioned,
    Payment,
)

Fields = tuple[str, ...]
Cut = Sequence[tuple[int, int]]
"""The first offset and the end of each batch."""
Outcomes = list[tuple[Outcome, int | None]]
"""What becomes of each record, and the offset of the row that it conflicts with."""

# Small symbols are appended under the old rule, capital ones under the new one.
PAYMENTS: Final[dict[str, Payment]] = {
    "a": ("p-1", "requested", 100),
    "b": ("p-1", "requested", 150),
    "c": ("p-1", "approved", 100),
}
HISTORIES: Final = {"wider": (CONTRACT, WIDER), "narrower": (WIDER, CONTRACT)}


def expected(history: tuple[Fields, Fields], order: str) -> Outcomes:
    """Each record is compared with the first row of its id, by the rule that it came under."""
    rows: list[int] = []
    outcomes: Outcomes = []
    for offset, symbol in enumerate(order):
        fields = history[symbol.isupper()]
        same_id = [row for row in rows if _id(order[row], fields) == _id(symbol, fields)]
        if not same_id:
            rows.append(offset)
            outcomes.append((Outcome.STORED, None))
        elif order[same_id[0]].lower() == symbol.lower():
            outcomes.append((Outcome.DUPLICATE, None))
        else:
            outcomes.append((Outcome.CONFLICT, same_id[0]))
    return outcomes


def _id(symbol: str, fields: Fields) -> tuple[str | int, ...]:
    return PAYMENTS[symbol.lower()][: len(fields)]


class Run:
    """Some records in their order, and what the workers that took them have written."""

    def __init__(self, history: tuple[Fields, Fields], order: str) -> None:
        self.history = history
        self.order = order
        self.worker = Partitioned(*history)
        self.changelog: list[IdBlock] = []
        self.ledger = OutcomeCounts()
        self.conflicts: dict[int, int] = {}

    def judge(self, first: int, end: int) -> Judged:
        """Judge the records from *first* to before *end*."""
        symbols = self.order[first:end]
        self.worker.offset = first
        times = [CHANGED_AT if symbol.isupper() else 0 for symbol in symbols]
        return self.worker.judge(*(PAYMENTS[one.lower()] for one in symbols), at_ms=times)

    async def write(self, *parts: Judged, dies: bool = False) -> None:
        """Write an insert batch: all of it, or only rows and conflicts."""
        counts = await self.worker.write(*parts)
        for part in self.worker.written:
            for row in part.conflicts.to_pylist() if part.conflicts is not None else ():
                at, first = row["offset"], row["first_offset"]
                assert self.conflicts.setdefault(at, first) == first
        if dies:
            return
        self.changelog += [part.new_ids for part in self.worker.written if part.new_ids is not None]
        self.ledger = sum_of([self.ledger, counts])

    def start_again(self) -> None:
        """Go on with a worker that knows what changelog and store have."""
        store = self.worker.store
        self.worker = Partitioned(*self.history)
        self.worker.store = store
        self.worker.stored = store.coordinates()
        for block in self.changelog:
            self.worker.dedup_index.add(block)

    def outcomes(self) -> Outcomes:
        """What became of each record by the tables, which the ledger agrees with."""
        rows = self.worker.store.coordinates()
        repeats = len(self.order) - len(rows) - len(self.conflicts)
        assert self.ledger == OutcomeCounts(len(rows), repeats, len(self.conflicts))
        assert not rows.keys() & self.conflicts.keys()
        rest: Outcomes = [(Outcome.DUPLICATE, None)] * len(self.order)
        for offset in rows:
            rest[offset] = (Outcome.STORED, None)
        for offset, first in self.conflicts.items():
            rest[offset] = (Outcome.CONFLICT, first)
        return rest


async def in_one_insert(run: Run, cut: Cut) -> None:
    """Every batch is judged, then all are written."""
    await run.write(*[run.judge(*batch) for batch in cut])


async def one_by_one(run: Run, cut: Cut) -> None:
    """Each batch is written before the next is judged."""
    for batch in cut:
        await run.write(run.judge(*batch))


async def judged_ahead(run: Run, cut: Cut) -> None:
    """Each batch is an insert of its own; all are judged before the first is written."""
    for judged in [run.judge(*batch) for batch in cut]:
        await run.write(judged)


async def delivered_again(run: Run, cut: Cut) -> None:
    """What was judged and not written comes again, cut in another way."""
    for batch in cut:
        run.judge(*batch)
    await run.write(run.judge(0, len(run.order)))


async def killed(run: Run, cut: Cut) -> None:
    """The worker dies between the last batch's conflicts and the changelog."""
    await one_by_one(run, cut[:-1])
    await run.write(run.judge(*cut[-1]), dies=True)
    run.start_again()
    await run.write(run.judge(*cut[-1]))


async def killed_with_all(run: Run, cut: Cut) -> None:
    """All but the first batch are in the insert that it dies in; then they are cut differently."""
    await one_by_one(run, cut[:1])
    await run.write(*[run.judge(*batch) for batch in cut[1:]], dies=True)
    run.start_again()
    await one_by_one(run, [(at, at + 1) for at in range(cut[0][1], len(run.order))])


def orders() -> Iterator[str]:
    """All of two records, and of three and four those in which a new rule meets an old row."""
    yield from map("".join, product("abcABC", repeat=2))
    yield from ("a" + "".join(rest) for rest in product("ABC", repeat=2))
    yield from ("a" + "".join(rest) for rest in product("AB", repeat=3))


def cuts(count: int) -> Iterator[Cut]:
    """Every way to cut *count* records into batches."""
    for number in range(count):
        for inner in combinations(range(1, count), number):
            yield list(pairwise((0, *inner, count)))


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize(
    "taken",
    [in_one_insert, one_by_one, judged_ahead, delivered_again, killed, killed_with_all],
)
async def test_the_log_alone_decides(
    history: str, taken: Callable[[Run, Cut], Coroutine[Any, Any, None]]
) -> None:
    """Same id and other content is a conflict with the row, same content a duplicate of it."""
    rules = HISTORIES[history]
    for order in orders():
        for cut in cuts(len(order)):
            run = Run(rules, order)
            await taken(run, cut)
            assert run.outcomes() == expected(rules, order), (order, cut)
