"""Which lane writes which partition? The lanes of the current assignment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from streams.crash import die
from streams.lane import Lane
from streams.slices import Partition

CANCEL_AGAIN_SECONDS = 0.25
CANCELS = 20


class Lanes:
    """Lanes by partition, each with its running task; closed as a whole when revoked."""

    def __init__(self) -> None:
        self._lanes: dict[Partition, tuple[Lane, asyncio.Task[None]]] = {}
        self._finishing = False

    def __iter__(self) -> Iterator[Lane]:
        return (lane for lane, _ in self._lanes.values())

    def of(self, partition: Partition, make: Callable[[Partition], Lane]) -> Lane:
        """The lane of *partition*, made and started when there is none."""
        if partition not in self._lanes:
            lane = make(partition)
            if self._finishing:
                lane.refuse()
            self._lanes[partition] = (lane, asyncio.create_task(_run(lane)))
        return self._lanes[partition][0]

    def hold_back(self, partition: Partition) -> bool:
        """Whether *partition* is not to be fetched now; see `Lane.held_back`."""
        held = self._lanes.get(partition)
        return held is not None and held[0].held_back

    async def finish(self, timeout_seconds: float) -> None:
        """Take no more, and wait until what was taken is stored, at most *timeout_seconds*.

        Raises:
            TimeoutError: some of it is not; it is not acknowledged and comes again.
        """
        self._finishing = True
        for lane, _ in self._lanes.values():
            lane.refuse()
        async with asyncio.timeout(timeout_seconds):
            await asyncio.gather(*(lane.drained() for lane, _ in self._lanes.values()))

    async def close(self) -> None:
        """Stop every lane and forget it; what was not acknowledged is delivered again."""
        lanes, self._lanes = list(self._lanes.values()), {}
        for lane, _ in lanes:
            await lane.close()
        await _end({task for _, task in lanes})


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel *tasks* until they have ended; the group waits for us meanwhile.

    Once is not enough: `asyncio.wait_for` of Python 3.11 takes a cancellation for its own when
    what it waits for is done at the same moment.
    """
    for _ in range(CANCELS):
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=CANCEL_AGAIN_SECONDS)
    if tasks:
        die("lanes that do not end")


async def _run(lane: Lane) -> None:
    try:
        await lane.run()
    except asyncio.CancelledError:
        raise
    except BaseException:  # noqa: BLE001 - a lane that ended would stop its partition silently
        die(f"lane of {lane.partition}")
