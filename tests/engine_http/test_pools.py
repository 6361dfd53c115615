"""A pool runs at most its width, lets a few statements wait a while, and refuses the rest."""

from __future__ import annotations

import asyncio
import threading

import pytest

from engine_http.engine.errors import ClickHouseError
from engine_http.execution.pools import ReadPools, WorkerPool


async def test_a_full_pool_refuses_with_202() -> None:
    """At once when the queue is full, otherwise after its longest wait."""
    pool = WorkerPool("test", width=1, queue=1, wait_seconds=0.05)
    done = threading.Event()
    running = asyncio.create_task(pool.run(done.wait))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(pool.run(done.wait))
    await asyncio.sleep(0)

    with pytest.raises(ClickHouseError, match="test pool") as at_once:
        await pool.run(done.wait)
    with pytest.raises(ClickHouseError) as after_a_while:
        await waiting

    assert at_once.value.code == after_a_while.value.code == 202
    assert pool.busy
    done.set()
    assert await running
    pool.close()


async def test_a_cancelled_caller_keeps_its_thread_until_the_work_ends() -> None:
    """The engine cannot drop a statement at once, so its thread is not given away."""
    pool = WorkerPool("test", width=1, queue=1, wait_seconds=5.0)
    done = threading.Event()
    running = asyncio.create_task(pool.run(done.wait))
    await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert pool.busy
    done.set()
    assert await pool.run(lambda: 7) == 7
    assert not pool.busy
    pool.close()


@pytest.mark.parametrize("turns", range(5))
async def test_a_caller_that_is_cancelled_as_a_thread_gets_free_leaves_it_free(turns: int) -> None:
    """Whichever comes first; `asyncio.wait_for` forgets the cancellation up to Python 3.11."""
    pool = WorkerPool("test", width=1, queue=1, wait_seconds=5.0)
    done = threading.Event()
    await pool.enter()
    running = pool.start(done.wait)
    waiting = asyncio.create_task(pool.enter())
    await asyncio.sleep(0)
    done.set()
    await running
    for _ in range(turns):
        await asyncio.sleep(0)

    is_to_end = waiting.cancel()
    await asyncio.wait([waiting])

    assert waiting.cancelled() == is_to_end
    assert pool.has_free_thread() == is_to_end
    pool.close()


@pytest.mark.parametrize(("long", "short"), [(1, 1), (1, 4), (2, 1), (2, 6), (3, 2)])
async def test_a_read_that_finds_no_long_thread_gets_a_short_one_at_once(
    long: int, short: int
) -> None:
    """Long ones may take any time; a read waits only when the short threads are taken too."""
    pools = ReadPools("test", long=long, short=short)
    done = threading.Event()
    entered = []
    try:
        async with asyncio.timeout(5):
            for _ in range(long + short):
                pool = await pools.enter()
                pool.start(done.wait)
                entered.append(pool)
    finally:
        done.set()

    assert entered == [pools.long] * long + [pools.short] * short
    pools.close()
