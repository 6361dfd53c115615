"""A partition of rejects, and it alone, is slowed down and reported; a few bad records are not."""

from __future__ import annotations

import asyncio

import pytest

from streams.pacing.reject_spike import RejectSpikeGuard, RejectSpikeLimits
from tests.streams.pacing.reject_spikes import BAD, GOOD, MANY, Topic, fetched

LIMITS = RejectSpikeLimits(share=0.5, rejects_per_second=100)


def test_a_run_of_rejects_is_a_spike_and_is_slowed() -> None:
    """No more rejects a second than may pass."""
    guard = RejectSpikeGuard(LIMITS)
    guard.pause_seconds(1000, 1000)

    assert guard.pause_seconds(500, 500) == 5.0
    assert guard.spiking


def test_a_few_rejects_cost_nothing() -> None:
    """One in fifty is normal for a client, and so is a handful right after the start."""
    guard = RejectSpikeGuard(LIMITS)

    assert guard.pause_seconds(10, 10) == 0.0
    assert [guard.pause_seconds(1000, 20) for _ in range(5)] == [0.0] * 5


def test_a_spike_that_ends_is_over() -> None:
    """Good records bring the share down again."""
    guard = RejectSpikeGuard(LIMITS)
    for _ in range(5):
        guard.pause_seconds(1000, 1000)

    pauses = [guard.pause_seconds(1000, 0) for _ in range(4)]

    assert pauses[-1] == 0.0
    assert not guard.spiking


async def test_a_partition_in_a_spike_does_not_hold_up_its_neighbour() -> None:
    """One agent serves both: it hands on to the other while the spike pauses for hours."""
    topic = Topic(rejects_per_second=0.1)
    async with topic.running(), asyncio.timeout(10):
        await topic.begin_spike()
        for number in range(5):
            await topic.take(fetched(BAD, (number + 2) * MANY))
            await topic.take(fetched(GOOD, number * MANY))
        await topic.wait(GOOD, 5 * MANY - 1)

    assert topic.written[BAD] == [MANY - 1]


async def test_a_partition_in_a_spike_is_not_fetched_while_any_of_it_is_queued() -> None:
    """Its queue stays short and the bytes a worker may hold are left to the others."""
    topic = Topic(rejects_per_second=0.1)
    async with topic.running(), asyncio.timeout(10):
        await topic.begin_spike()
        await topic.take(fetched(GOOD, 0))

        assert topic.bad.paused
        assert not topic.bad.has_room
        assert topic.good.has_room
        assert not topic.good.paused

        await topic.bad.drained()
        assert not topic.bad.paused
        assert topic.bad.has_room


async def test_rejects_pass_no_faster_than_they_may() -> None:
    """Each insert batch waits for the debt of those before it."""
    topic = Topic(rejects_per_second=MANY / 0.1)
    clock = asyncio.get_running_loop().time
    async with topic.running():
        began = clock()
        for number in range(4):
            await topic.take(fetched(BAD, number * MANY))
        await topic.wait(BAD, 4 * MANY - 1)

    assert clock() - began >= 0.3
    assert topic.written[BAD] == [(number + 1) * MANY - 1 for number in range(4)]


async def test_a_writer_that_pauses_in_a_spike_is_not_stuck() -> None:
    """Neither during the pause nor right after it, however long ago the batch was taken."""
    topic = Topic(rejects_per_second=MANY / 0.2)
    clock = asyncio.get_running_loop().time
    async with topic.running():
        await topic.begin_spike(batches=3)
        assert topic.bad.waiting_since is None
        taken_before = clock()
        await topic.wait(BAD, 2 * MANY - 1)

        assert topic.bad.waiting_since is None or topic.bad.waiting_since > taken_before


@pytest.mark.parametrize("end", ["refuse", "close", "drained"])
async def test_nobody_waits_for_a_pause(end: str) -> None:
    """A stop writes what was taken at once, a rebalance drops it; a hole in the topic is passed."""
    topic = Topic(rejects_per_second=0.1)
    async with topic.running(), asyncio.timeout(10):
        await topic.begin_spike(batches=4)
        if end == "refuse":
            topic.bad.refuse()
        if end == "close":
            await topic.bad.close()
        await topic.bad.drained()

    written = [(number + 1) * MANY - 1 for number in range(4)]
    assert topic.written[BAD] == (written[:1] if end == "close" else written)
    assert topic.acknowledged == topic.written[BAD]


async def test_what_a_drain_cut_short_stays_as_debt() -> None:
    """Rejects pass no faster in the long run."""
    topic = Topic(rejects_per_second=0.1)
    async with topic.running(), asyncio.timeout(10):
        await topic.begin_spike(batches=2)
        await topic.bad.drained()
        await topic.take(fetched(BAD, 2 * MANY))
        for _ in range(20):
            await asyncio.sleep(0)

    assert topic.written[BAD] == [MANY - 1, 2 * MANY - 1]


async def test_a_worker_that_holds_as_much_as_it_may_waits_for_the_store_only() -> None:
    """The spike's own batch waits in the agent; its pause would delay the topic."""
    topic = Topic(rejects_per_second=0.1, limit_bytes=1)
    async with topic.running(), asyncio.timeout(10):
        for number in range(4):
            await topic.take(fetched(BAD, number * MANY, value=b"x" * 2**10))
        await topic.take(fetched(GOOD, 0))
        await topic.wait(GOOD, MANY - 1)

    assert len(topic.written[BAD]) == 3
