"""Other records at offsets that were handed on end the process; the same records again do not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from streams.faust import incarnation_guard
from streams.faust.incarnation_guard import IncarnationGuard
from streams.fetch.fetched_batch import FetchedBatch, Partition, batch_of, without_records

HERE, THERE = Partition("events", 0), Partition("events", 1)


def records(
    first: int, last: int, *, appended_ms: int = 1000, of: Partition = HERE
) -> FetchedBatch:
    """The records at these offsets."""
    made = [
        SimpleNamespace(offset=offset, timestamp=appended_ms, value=b"{}", headers=())
        for offset in range(first, last + 1)
    ]
    return batch_of(of, made, follows=first)


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the process would have ended for."""
    given: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        incarnation_guard, "end_at_lower_offsets", lambda *found: given.append(found)
    )
    return given


@pytest.mark.parametrize(
    ("fetched", "highwater"),
    [
        (records(0, 2, appended_ms=2000), 3),  # recreated
        (records(0, 9, appended_ms=2000), 10),  # and grown as long as before
        (records(9, 20, appended_ms=1001), 21),  # the end was lost, and another written
        (records(3, 5), 6),  # the end was lost
        (records(3, 5), 9),  # one record of it
    ],
)
def test_other_records_at_offsets_that_were_handed_on_end_the_process(
    fetched: FetchedBatch, highwater: int, ends: list[Any]
) -> None:
    """Appended later than all that was handed on, or in a partition that ends before it."""
    guard = IncarnationGuard()
    guard.check(records(0, 9), 10)

    guard.check(fetched, highwater)

    assert ends == [(HERE, fetched.first, 9)]


@pytest.mark.parametrize(
    ("fetched", "highwater"),
    [
        (records(3, 12), 13),  # after seeking back, with their old times
        (records(0, 9), 10),
        (records(0, 9), None),  # where the partition ends is not known
        (records(10, 20, appended_ms=2000), 21),  # what follows
        (records(10, 12, appended_ms=500), 13),  # from a broker with another clock
        (records(0, 2, appended_ms=2000, of=THERE), 3),  # another partition
        (without_records(HERE, 0, 5, 2000), 5),  # markers name no record
    ],
)
def test_what_goes_on_or_is_delivered_again_does_not(
    fetched: FetchedBatch, highwater: int | None, ends: list[Any]
) -> None:
    """These are the records that were read before, or later ones."""
    guard = IncarnationGuard()
    guard.check(records(0, 9), 10)

    guard.check(fetched, highwater)

    assert ends == []


def test_the_latest_of_all_append_times_counts(ends: list[Any]) -> None:
    """Brokers' clocks differ: what was handed on last is not always the latest."""
    guard = IncarnationGuard()
    guard.check(records(0, 4, appended_ms=3000), 10)
    guard.check(records(5, 9, appended_ms=1000), 10)

    guard.check(records(0, 9, appended_ms=3000), 10)
    assert ends == []
    guard.check(records(0, 9, appended_ms=3001), 10)

    assert ends == [(HERE, 0, 9)]


def test_a_new_assignment_may_begin_anywhere(ends: list[Any]) -> None:
    """Its first fetch is compared with the store."""
    guard = IncarnationGuard()
    guard.check(records(0, 9), 10)
    guard.clear()

    guard.check(records(0, 2, appended_ms=2000), 3)

    assert ends == []
