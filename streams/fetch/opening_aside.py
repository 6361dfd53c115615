"""Opens long record batches on a thread of their own, not on the event loop of a consumer.

To pass over a record of a gigabyte takes seconds. On the loop the consumer would send no heartbeat
meanwhile: it would leave its group and begin the record again, without end. One batch is opened at
a time, so that the memory for it is needed once.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

_THREAD: Final = ThreadPoolExecutor(1, "opening")
_unfinished: set[int] = set()


class OpeningAside(Generic[T]):
    """What *take* takes of *records* on the thread; stands in for them until it is collected.

    Dropped before its turn, it takes nothing.
    """

    def __init__(self, records: Any, take: Callable[[], T]) -> None:
        self.records = records
        # aiokafka drops what was fetched when the position is no longer this.
        self.next_fetch_offset: int = records.next_fetch_offset
        self._taken: Future[T] = _THREAD.submit(take)
        _unfinished.add(id(self._taken))
        self._taken.add_done_callback(lambda taken: _unfinished.discard(id(taken)))

    def __del__(self) -> None:
        self._taken.cancel()

    def is_done(self, *, wait_seconds: float = 0) -> bool:
        """Whether `collect` returns at once, now or within *wait_seconds*."""
        return not wait([self._taken], wait_seconds).not_done

    def collect(self) -> T:
        """What was taken; raises what *take* raised. To be called once."""
        try:
            return self._taken.result()
        finally:
            # An error would refer to itself through it, and keep what was fetched.
            self._taken = Future()


def is_opening() -> bool:
    """Whether anything is being opened, or waits for it: then no partition that waits is stuck."""
    return bool(_unfinished)
