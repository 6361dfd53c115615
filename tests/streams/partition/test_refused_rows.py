"""A row that the store refuses is a dead letter and frees its id, whenever a worker dies."""

from __future__ import annotations

import asyncio

import pytest

from streams.judge.outcomes import Outcome
from streams.partition import writer
from tests.streams.simulation import Moments, Worker, World, check, no_pauses, run

# The store refuses content 9.
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


# Of each id that is refused more records come in the same range, or were judged before it was
# written: as repeats of what turns out not to be there.
SAME_RANGE = [
    ("a", "9"), ("a", "1"), ("a", "2"), ("a", "1"),
    ("b", "9"), ("b", "9"), ("c", "1"), ("b", "3"),
    ("d", "9"), ("d", "9"), ("c", "2"), ("e", "1"),
    ("d", "9"), ("d", "5"), ("e", "1"), ("d", "5"),
]  # fmt: skip


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.parametrize("at_once", [True, False], ids=["judged at once", "judged when written"])
def test_what_comes_after_a_refused_record_may_be_the_first_of_its_id(
    monkeypatch: pytest.MonkeyPatch, size: int, *, at_once: bool
) -> None:
    """In its batch, its insert, or in batches judged meanwhile: the first one taken is the row."""
    if at_once:
        monkeypatch.setattr(writer, "ENOUGH_TO_JUDGE", 1)
    given = world(SAME_RANGE)
    given.one_by_one = False

    run(given, [], ((size,),))

    check(given)


@pytest.mark.parametrize(
    "records",
    [
        [("a", "9"), ("a", "1")],
        [("a", "9"), ("a", "9"), ("a", "9"), ("a", "1")],
        [("a", "9"), ("a", "1"), ("a", "2")],
        [("a", "9"), ("b", "9"), ("a", "1"), ("b", "2"), ("b", "1")],
        [("a", "1"), ("a", "9"), ("a", "1")],
        [("a", "9"), ("a", "9")],
    ],
    ids=["one", "the fourth", "its conflict", "two ids", "a conflict is not asked", "none"],
)
def test_a_worker_may_die_at_every_moment_while_it_judges_again(
    records: list[tuple[str, str]],
) -> None:
    """Also when the changelog has the later record and the ledger has not."""
    moments = run(world(records), [], ((len(records),),))
    for moment in range(moments):
        for size in (len(records), 1):
            given = world(records)
            given.one_by_one = False

            run(given, [moment], ((len(records),), (size,)))

            check(given)
    # Last, so that a broken promise shows as what it is.
    assert moments > 8


def test_records_that_belong_elsewhere_are_sent_on_once_though_judged_again() -> None:
    """What is judged again is not sent again."""
    given = world([("x", "1"), ("a", "9"), ("a", "1"), ("x", "2")])
    given.away = frozenset("x")

    run(given, [], ((4,),))

    check(given)
    assert given.elsewhere == [("x", "1"), ("x", "2")]


@pytest.mark.parametrize(
    "records",
    [
        [("a", "9")],
        [("a", "9"), ("b", "9")],
        [("a", "1"), ("b", "9")],
        [("a", "9"), ("b", "1")],
        [(dead_letter, "9" if dead_letter in "cfg" else "1") for dead_letter in "abcdefgh"],
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

    metrics = worker.writer._writes.metrics

    def records(outcome: Outcome) -> float:
        return float(metrics.records.labels("topic", "", outcome.name.lower())._value.get())

    assert (records(Outcome.STORED), records(Outcome.REJECTED)) == (2, 1)
    assert metrics.rejected.labels("topic", "store_refused")._value.get() == 1
