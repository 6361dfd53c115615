"""Nothing lost, nothing twice, every offset one outcome: at every moment a worker can die."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.simulation import World, check, run

RECORDS = [
    ("a", "1"), ("b", "1"), ("a", "1"), ("c", "1"), ("b", "2"), ("d", "1"),
    ("e", "1"), ("c", "1"), ("f", "1"), ("g", "1"), ("a", "3"), ("h", "1"),
]  # fmt: skip
# Each run of the worker cuts the same records differently.
CUTS = ((3, 2, 4), (2, 5), (1, 3, 1))


def test_a_quiet_run_keeps_the_promise() -> None:
    """Without a crash every id is one row and every offset has one outcome."""
    world = World(list(RECORDS))

    run(world, [], CUTS)

    check(world)


def test_a_worker_may_die_at_every_moment() -> None:
    """Killed before or after any effect, and started again, the worker completes the promise."""
    moments = run(World(list(RECORDS)), [], CUTS)
    for moment in range(moments):
        world = World(list(RECORDS))

        run(world, [moment], CUTS)

        check(world)
    # Last, so that a broken promise shows as what it is.
    assert moments > 20


def test_an_insert_whose_answer_was_lost_adds_nothing_twice() -> None:
    """The outcome is unknown; the same token sent again settles it."""
    world = World(list(RECORDS), timeouts=[True, False, True, True])

    run(world, [], CUTS)

    check(world)


def test_a_token_without_rows_is_not_taken_for_rows() -> None:
    """The store may die when it has noted the token and before the rows are there."""
    world = World(
        list(RECORDS), timeouts=[False, True, False], hollow=[True, True, False, True, True]
    )

    run(world, [], CUTS)

    check(world)


@pytest.mark.parametrize("committed", [None, 0])
@pytest.mark.parametrize("dropped", [{0}, {1}, {1, 2}])
def test_a_batch_that_did_not_arrive_is_fetched_again(
    dropped: set[int], committed: int | None
) -> None:
    """Faust may lose what it queued at the end of a recovery; the writer sees the hole.

    Also the very first batch of a group that has committed nothing yet.
    """
    world = World(list(RECORDS), committed=committed, dropped=set(dropped))

    run(world, [], CUTS)

    check(world)


def test_what_retention_takes_under_way_stays_a_hole_in_the_ledger() -> None:
    """Records that are gone before they were fetched are no part of any range."""
    world = World([(str(number), "1") for number in range(12)], dropped={1}, log_start=6)

    run(world, [], [[3]])

    offsets = {at for entry in world.ledger for at in range(entry.first, entry.last + 1)}
    assert offsets == {0, 1, 2, *range(6, 12)}
    assert {offset for offset, _, _ in world.rows} == offsets
    assert world.committed == 12


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("12")), min_size=1, max_size=30),
    st.lists(st.integers(0, 60), max_size=4),
    st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(st.sampled_from(["answered", "timeout", "hollow"]), max_size=6),
)
def test_any_schedule_of_deaths_keeps_the_promise(
    records: list[tuple[str, str]], kills: list[int], cuts: list[list[int]], inserts: list[str]
) -> None:
    """Any records, cut in any way, several deaths in a row of worker and store, lost answers."""
    world = World(
        records,
        timeouts=[how == "timeout" for how in inserts],
        hollow=[how == "hollow" for how in inserts],
    )

    run(world, kills, cuts)

    check(world)


@pytest.mark.parametrize("moment", range(0, 40, 3))
def test_two_deaths_in_a_row(moment: int) -> None:
    """The second run may die while it completes the first."""
    for second in range(0, 40, 4):
        world = World(list(RECORDS))

        run(world, [moment, second], CUTS)

        check(world)
