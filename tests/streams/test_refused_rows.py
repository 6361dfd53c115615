"""A row that the store refuses is a dead letter and frees its id, whenever a worker dies."""

from __future__ import annotations

import asyncio

import pytest

from streams.fates import Fate
from tests.streams.simulation import Moments, Worker, World, check, no_pauses, run

# The store refuses content 9. The id of a refused record comes again in a later range only: what is
# judged before the refusal is known counts as its repeat.
RECORDS = [
    ("a", "1"), ("b", "9"),
    ("c", "1"), ("a", "1"),
    ("b", "2"), ("d", "9"),
    ("b", "2"), ("e", "9"),
    ("d", "9"), ("a", "3"),
    ("d", "4"), ("b", "3"),
]  # fmt: skip
CUTS = ((2,),)


def world(records: list[tuple[str, str]] | None = None) -> World:
    """A topic of *records* and a store that refuses content 9."""
    return World(list(records or RECORDS), refuses=frozenset("9"), one_by_one=True)


def test_a_refused_row_is_a_dead_letter_and_its_id_is_free() -> None:
    """The next record with that id is the first occurrence, and the counts say so."""
    given = world()

    run(given, [], CUTS)

    check(given)


@pytest.mark.parametrize(
    "records",
    [
        [("a", "9")],
        [("a", "9"), ("b", "9")],
        [("a", "1"), ("b", "9")],
        [("a", "9"), ("b", "1")],
        [(letter, "9" if letter in "cfg" else "1") for letter in "abcdefgh"],
    ],
    ids=["alone", "all of a range", "the last", "the first", "some of many"],
)
def test_refused_rows_may_stand_anywhere_in_a_range(records: list[tuple[str, str]]) -> None:
    """The others are stored; a range of which nothing is stored is complete, too."""
    given = world(records)

    run(given, [], ((len(records),),))

    check(given)


def test_a_worker_may_die_at_every_moment_around_a_refusal() -> None:
    """Between the rows, the dead letters, the changelog, the ledger and the commit."""
    moments = run(world(), [], CUTS)
    for moment in range(moments):
        given = world()

        run(given, [moment], CUTS)

        check(given)
    # Last, so that a broken promise shows as what it is.
    assert moments > 40


@pytest.mark.parametrize("first", range(0, 60, 5))
def test_a_worker_may_die_twice_around_a_refusal(first: int) -> None:
    """The second process may die while it makes up for the first."""
    for second in range(0, 60, 5):
        given = world()

        run(given, [first, second], CUTS)

        check(given)


def test_an_answer_that_was_lost_around_a_refusal_adds_nothing_twice() -> None:
    """The halves of a refused insert are inserts of their own, each with its token."""
    for lost in range(12):
        given = world()
        given.timeouts = [number == lost for number in reversed(range(12))]

        run(given, [], CUTS)

        check(given)


def test_a_refused_record_counts_as_rejected_in_the_metrics() -> None:
    """Under its reason, and no longer as stored."""
    given = world([("a", "1"), ("b", "9"), ("c", "1")])
    worker = Worker(given, Moments(), 1)
    with no_pauses():
        asyncio.run(worker.live([3]))

    metrics = worker.lane._writers.metrics

    def records(fate: Fate) -> float:
        return metrics.records.labels("topic", "", fate.name.lower())._value.get()

    assert (records(Fate.STORED), records(Fate.REJECTED)) == (2, 1)
    assert metrics.rejected.labels("topic", "store_refused")._value.get() == 1
