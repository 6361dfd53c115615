"""The partition writers of the current assignment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from streams.faust.crash import die
from streams.fetch.fetched_batch import Partition
from streams.partition.writer import PartitionWriter

CANCEL_AGAIN_SECONDS = 0.25
CANCELS = 20


class PartitionWriters:
    """Writers by partition, each with its running task; all are closed when revoked."""

    def __init__(self) -> None:
        self._partition_writers: dict[Partition, tuple[PartitionWriter, asyncio.Task[None]]] = {}
        self._finishing = False

    def __iter__(self) -> Iterator[PartitionWriter]:
        return (writer for writer, _ in self._partition_writers.values())

    def of(
        self, partition: Partition, make: Callable[[Partition], PartitionWriter]
    ) -> PartitionWriter:
        """The writer of *partition*, created and started when there is none."""
        if partition not in self._partition_writers:
            writer = make(partition)
            if self._finishing:
                writer.refuse()
            self._partition_writers[partition] = (writer, asyncio.create_task(_run(writer)))
        return self._partition_writers[partition][0]

    def pause_partitions(self, partition: Partition) -> bool:
        """Whether *partition* is not to be fetched now; see `PartitionWriter.paused`."""
        held = self._partition_writers.get(partition)
        return held is not None and held[0].paused

    async def finish(self, timeout_seconds: float) -> None:
        """Take no more, and wait until what was taken is stored, at most *timeout_seconds*.

        Raises:
            TimeoutError: some of it is not; it is not acknowledged and comes again.
        """
        self._finishing = True
        for writer, _ in self._partition_writers.values():
            writer.refuse()
        async with asyncio.timeout(timeout_seconds):
            await asyncio.gather(
                *(writer.drained() for writer, _ in self._partition_writers.values())
            )

    async def close(self) -> None:
        """Stop every writer and forget it; what was not acknowledged is delivered again."""
        partition_writers, self._partition_writers = list(self._partition_writers.values()), {}
        for writer, _ in partition_writers:
            await writer.close()
        await _end({task for _, task in partition_writers})


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel *tasks* until they have ended; the group waits for us meanwhile.

    Once is not enough: `asyncio.wait_for` of Python 3.11 swallows a cancellation when what it waits
    for is done at the same moment.
    """
    for _ in range(CANCELS):
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=CANCEL_AGAIN_SECONDS)
    if tasks:
        die("partition writers that do not end")


async def _run(writer: PartitionWriter) -> None:
    try:
        await writer.run()
    except asyncio.CancelledError:
        raise
    except BaseException:  # noqa: BLE001 - a writer that ended would stop its partition silently
        die(f"partition writer of {writer.partition}")
