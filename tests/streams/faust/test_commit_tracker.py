"""What may be committed, and what still has to be."""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from typing import Any

import pytest
from faust.types import TP

from streams.faust import commit_tracker
from streams.faust.commit_tracker import CommitTracker

HERE, THERE = TP("topic", 0), TP("topic", 1)
ENDS = (2, 3, 5)
ACTIONS = ("deliver", "ack first", "ack last", "committed", "failed", "rewind", "seek")


class Tracked(CommitTracker):
    """A tracker, and what was acknowledged to it."""

    def __init__(self) -> None:
        self.acked: defaultdict[TP, set[int]] = defaultdict(set)
        super().__init__(self.acked)

    def give(self, *ends: int) -> None:
        """Batches of ten offsets up to before *ends* are delivered."""
        for end in ends:
            self.deliver(HERE, end - 10, end)

    def ack(self, *ends: int) -> None:
        """Those batches are acknowledged."""
        self.acked[HERE].update(end - 1 for end in ends)


def test_offsets_are_committed_in_order_only() -> None:
    """Nothing after a batch that is not acknowledged is committed."""
    tracker = Tracked()
    tracker.give(10, 20, 30)
    tracker.ack(30, 20)

    assert tracker.next_commit(HERE) is None
    tracker.ack(10)
    assert tracker.next_commit(HERE) == 30
    assert tracker.next_commit(HERE) is None
    assert tracker.pending == set()


def test_nothing_is_committed_of_a_new_group_before_it_is_acknowledged() -> None:
    """Without a commit yet the rule is the same (Faust has no guard there)."""
    tracker = Tracked()
    tracker.give(100, 200)
    tracker.ack(200)

    assert tracker.next_commit(HERE) is None
    assert tracker.pending == {HERE}


def test_a_commit_that_failed_is_made_again() -> None:
    """Until the broker takes it, or a later one."""
    tracker = Tracked()
    tracker.give(10, 20)
    tracker.ack(10)
    offset = tracker.next_commit(HERE)
    assert offset == 10
    tracker.note({HERE: offset}, committed=False)

    assert (tracker.pending, tracker.next_commit(HERE)) == ({HERE}, 10)
    tracker.ack(20)
    assert tracker.next_commit(HERE) == 20
    tracker.note({HERE: 20}, committed=True)
    assert (tracker.pending, tracker.next_commit(HERE)) == (set(), None)


def test_what_is_rewound_is_not_committed() -> None:
    """Only what was delivered before it counts, until it is delivered and acknowledged again."""
    tracker = Tracked()
    tracker.give(10, 20, 30)
    tracker.ack(10, 30)

    tracker.rewind(HERE, 10)

    tracker.give(20, 30)
    assert tracker.next_commit(HERE) == 10
    tracker.ack(20)
    assert tracker.next_commit(HERE) == 20


def test_after_a_seek_nothing_that_was_acknowledged_counts() -> None:
    """All of it is delivered again; a commit that failed is still made."""
    tracker = Tracked()
    tracker.give(10, 20)
    tracker.ack(10, 20)
    tracker.note({THERE: 7}, committed=False)

    tracker.rewind_all()

    assert tracker.pending == {THERE}
    tracker.give(10, 20)
    tracker.ack(20)
    assert tracker.next_commit(HERE) is None


def test_what_is_not_delivered_again_is_not_waited_for() -> None:
    """Another worker committed it meanwhile, or retention deleted it."""
    tracker = Tracked()
    tracker.give(10, 20)
    tracker.rewind_all()
    tracker.give(20, 30, 40)
    tracker.ack(20)
    assert tracker.next_commit(HERE) == 20

    tracker.rewind(HERE, 20)
    tracker.give(40)
    tracker.ack(40)

    assert tracker.next_commit(HERE) == 40


def test_offsets_delivered_again_in_other_batches_are_committed() -> None:
    """Only the newest batches are waited for."""
    tracker = Tracked()
    for follows, end in ((0, 5), (5, 10), (3, 8), (8, 10)):
        tracker.deliver(HERE, follows, end)
    tracker.ack(8, 10)

    assert tracker.next_commit(HERE) == 10
    assert tracker.pending == set()


def test_steady_commits_are_not_taken_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is always something new to commit; what counts is whether any commit is made."""
    now = [0.0]
    monkeypatch.setattr(commit_tracker, "monotonic", lambda: now[0])
    tracker = Tracked()
    ages = []
    for second in range(700):
        now[0] = float(second)
        tracker.ack(second + 1)
        ages.append(tracker.uncommitted_seconds())
        if second % 2 and second < 600:
            tracker.note({HERE: second}, committed=True)

    assert max(ages[:600]) <= 2
    assert ages[-1] == 99


def acknowledged_prefix(acknowledged: set[int]) -> int:
    """The first of the offsets that no acknowledged batch has held."""
    return next(offset for offset in range(max(ENDS) + 1) if offset not in acknowledged)


def committed_after(actions: tuple[str, ...]) -> int:
    """What is committed after *actions* of a partition, each step checked, and a while without."""
    tracker = Tracked()
    cuts = [0, *ENDS]
    queue: list[tuple[int, int]] = []
    acknowledged: set[int] = set()
    position = committed = 0

    def act(action: str) -> None:
        nonlocal position, committed
        if action == "deliver" and position < max(ENDS):
            end = min(cut for cut in cuts if cut > position)
            tracker.deliver(HERE, position, end)
            queue.append((position, end))
            position = end
        elif action.startswith("ack") and queue:
            follows, end = queue.pop(0 if action == "ack first" else -1)
            tracker.ack(end)
            acknowledged.update(range(follows, end))
        elif action in {"rewind", "seek"}:
            # What is still queued then may be acknowledged later all the same.
            position = committed if action == "seek" else max(committed, min(position, cuts[1]))
            if action == "seek":
                tracker.rewind_all()
            else:
                tracker.rewind(HERE, position)
        elif action in {"committed", "failed"} and HERE in tracker.pending:
            offset = tracker.next_commit(HERE)
            if offset is None:
                return
            assert offset <= acknowledged_prefix(acknowledged), (actions, offset)
            tracker.note({HERE: offset}, committed=action == "committed")
            committed = max(committed, offset) if action == "committed" else committed

    for action in actions:
        act(action)
    for action in ["seek", *["deliver", "ack first"] * (len(actions) + len(cuts)), "committed"]:
        act(action)
    return committed


def test_every_sequence_commits_what_was_acknowledged_and_no_more() -> None:
    """Any five events of three batches; without more faults all of it is committed."""
    wrong: list[Any] = [
        actions for actions in product(ACTIONS, repeat=5) if committed_after(actions) != max(ENDS)
    ]

    assert wrong == []
