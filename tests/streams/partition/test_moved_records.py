"""Records of ids that belong to another partition: each is sent on, whenever a worker dies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.simulation import World, check, run

RECORDS = [
    ("a", "1"), ("x", "1"), ("a", "1"), ("y", "1"), ("x", "2"), ("b", "1"),
    ("x", "1"), ("b", "2"), ("z", "1"), ("y", "1"), ("c", "1"), ("x", "3"),
]  # fmt: skip
AWAY = frozenset("xyz")
CUTS = ((3, 2, 4), (2, 5), (1, 3, 1))


def home_of(world: World) -> World:
    """The partition that the records were sent on to, when a worker has done all of it."""
    home = World(list(world.elsewhere))
    if home.records:
        run(home, [], CUTS)
        check(home)
    return home


def check_both(world: World) -> None:
    """Here and there each id is one row, and each other content of an id is a conflict there."""
    check(world)
    home = home_of(world)
    first: dict[str, str] = {}
    for key, content in world.records:
        first.setdefault(key, content)
    clashes = {(k, c) for k, c in world.records if k in world.away and first[k] != c}
    assert {home.records[at] for at in home.conflicts} == clashes


def test_what_belongs_elsewhere_is_sent_on_and_counted_as_moved() -> None:
    """It has no row here; the order of an id's records stays, so that the first counts there."""
    world = World(list(RECORDS), away=AWAY)

    run(world, [], CUTS)

    check_both(world)
    assert sum(entry.moved for entry in world.ledger) == 7


@pytest.mark.parametrize("away", [AWAY, frozenset("abcxyz"), frozenset("c"), frozenset("a")])
def test_a_worker_may_die_at_every_moment_around_a_move(away: frozenset[str]) -> None:
    """Before the send, after it, before ledger and commit; what is sent twice is a repeat there."""
    moments = run(World(list(RECORDS), away=away), [], CUTS)
    for moment in range(moments):
        world = World(list(RECORDS), away=away)

        run(world, [moment], CUTS)

        check_both(world)
    # Last, so that a broken promise shows as what it is.
    assert moments > 15


@pytest.mark.parametrize(
    "answers",
    [
        ["lost"],
        ["late"],
        ["late", "lost", "late"],
        ["answered", "lost", "answered", "late"],
        ["lost"] * 9,
        ["late"] * 9,
    ],
    ids=["lost", "late", "both", "some", "a broker that is down", "a broker that is slow"],
)
def test_a_move_that_is_not_acknowledged_is_made_again(answers: list[str]) -> None:
    """Nothing is acknowledged before it is; what arrived twice is a repeat where it belongs."""
    world = World(list(RECORDS), away=AWAY, move_answers=answers)

    run(world, [], CUTS)

    check_both(world)
    assert not world.move_answers


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("12")), min_size=1, max_size=30),
    st.frozensets(st.sampled_from("abcdefg")),
    st.lists(st.integers(0, 60), max_size=4),
    st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(st.sampled_from(["answered", "lost", "late"]), max_size=8),
)
def test_any_schedule_of_deaths_loses_no_move(
    records: list[tuple[str, str]],
    away: frozenset[str],
    kills: list[int],
    cuts: list[list[int]],
    answers: list[str],
) -> None:
    """Any records, any of them misplaced, several deaths in a row, lost and late answers."""
    world = World(records, away=away, move_answers=answers)

    run(world, kills, cuts)

    check_both(world)
