"""A trial ends when its time is used up, and no other trial with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from engine_http.execution.trials import Trials


async def run(trials: Trials, name: str, begun: asyncio.Event) -> str:
    """Run a statement that does not end by itself; return how it ended."""
    try:
        async with trials.limited(name):
            begun.set()
            await asyncio.Event().wait()
    except TimeoutError:
        return "over"
    except asyncio.CancelledError:
        return "cancelled"
    raise AssertionError("it ended by itself")


@pytest.mark.parametrize("late", [[], ["a"], ["b"], ["a", "c"], ["a", "b", "c"], ["gone", "b"]])
async def test_overdue_trials_end(late: list[str]) -> None:
    """The id of a statement that has already ended is ignored."""
    asked: list[Sequence[str]] = []

    async def overdue(names: Sequence[str]) -> Sequence[str]:
        asked.append(names)
        return late

    trials = Trials(overdue)
    begun = {name: asyncio.Event() for name in "abc"}
    tasks = {name: asyncio.create_task(run(trials, name, begun[name])) for name in "abc"}
    async with asyncio.timeout(10):
        for event in begun.values():
            await event.wait()

        await trials.end_overdue()
        ended = {name: await tasks[name] for name in late if name in tasks}
        for task in tasks.values():
            task.cancel()
        left = {name: await task for name, task in tasks.items() if name not in ended}

    assert ended == dict.fromkeys((name for name in late if name in tasks), "over")
    assert set(left.values()) <= {"cancelled"}
    assert asked == [["a", "b", "c"]]


async def test_nothing_is_queried_while_nothing_is_on_trial() -> None:
    """To look for overdue statements is a query, too."""

    async def overdue(_: Sequence[str]) -> Sequence[str]:
        raise AssertionError("asked")

    await Trials(overdue).end_overdue()
