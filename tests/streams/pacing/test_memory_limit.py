"""What may be taken and not yet stored follows what is stored, between two bounds."""

from __future__ import annotations

import pytest

from streams.pacing.memory_limit import ALWAYS_BYTES, LEAST_BYTES, MemoryLimit

MOST_BYTES = 4 * LEAST_BYTES


def store(
    memory_limit: MemoryLimit, clock: list[float], *, bytes_per_second: int, seconds: int = 10
) -> None:
    """Take and store at an even pace."""
    for _ in range(10 * seconds):
        clock[0] += 0.1
        memory_limit.take(bytes_per_second // 10)
        memory_limit.stored(bytes_per_second // 10)


@pytest.mark.parametrize(
    ("bytes_per_second", "bound"),
    [
        (0, LEAST_BYTES),
        (LEAST_BYTES // 10, LEAST_BYTES),
        (2 * LEAST_BYTES, 2 * LEAST_BYTES),
        (100 * MOST_BYTES, MOST_BYTES),
    ],
)
def test_as_much_may_be_held_as_is_stored_in_a_second(
    clock: list[float], bytes_per_second: int, bound: int
) -> None:
    """So judging goes on while batches are written, at any rate."""
    memory_limit = MemoryLimit(MOST_BYTES)

    store(memory_limit, clock, bytes_per_second=bytes_per_second)

    assert memory_limit.bound_bytes == pytest.approx(bound, rel=0.05)
    memory_limit.take(int(0.9 * bound))
    assert memory_limit.has_room(ALWAYS_BYTES)
    memory_limit.take(int(0.2 * bound))
    assert not memory_limit.has_room(ALWAYS_BYTES)
    assert memory_limit.has_room(ALWAYS_BYTES - 1)


def test_a_store_that_stands_still_is_given_little(clock: list[float]) -> None:
    """However much it took before: an outage costs memory for what is held."""
    memory_limit = MemoryLimit(MOST_BYTES)
    store(memory_limit, clock, bytes_per_second=MOST_BYTES)
    clock[0] += 30

    assert memory_limit.bound_bytes == LEAST_BYTES


def test_a_small_bound_holds(clock: list[float]) -> None:
    """What the operator sets is the most there may be."""
    assert MemoryLimit(5).bound_bytes == 5


def test_what_a_closed_writer_drops_was_not_stored(clock: list[float]) -> None:
    """A worker that loses partitions may not hold more for it."""
    memory_limit = MemoryLimit(MOST_BYTES)
    memory_limit.take(MOST_BYTES)

    memory_limit.give_back(MOST_BYTES)

    assert memory_limit.held_bytes == 0
    assert memory_limit.bound_bytes == LEAST_BYTES
