"""Lets only one fetch at a time keep a wide zstd window open.

A zstd frame may ask for a window of up to 128 MiB, and brokers take such frames. A batch that is
opened at once lets it go again. One that opens to more is taken over many calls and keeps it
meanwhile; of ten partitions that would be ten windows. Their fetches take turns, until the batch
was taken to its end or its fetch is gone: none of them is refused, and all others go on.
"""

from __future__ import annotations

import weakref
from threading import Lock
from typing import Any, Final

# What zstd's usual levels ask for at most; counted with what a batch takes while it is opened.
WIDE_BYTES: Final = 8 * 2**20


class WindowTurns:
    """Whose turn it is to keep a window of more than `WIDE_BYTES`."""

    def __init__(self) -> None:
        self._holder: weakref.ref[Any] | None = None
        # A batch may be opened on a thread (streams/fetch/opening_aside.py).
        self._lock = Lock()

    def take(self, fetch: object) -> bool:
        """Whether it is *fetch*'s turn now: nobody else has it."""
        with self._lock:
            holder = self._holder() if self._holder else None
            if holder is not None and holder is not fetch:
                return False
            self._holder = weakref.ref(fetch)
            return True

    def give_back(self, fetch: object) -> None:
        """Let the next one have it, if it is *fetch*'s turn."""
        with self._lock:
            if self._holder is not None and self._holder() is fetch:
                self._holder = None


TURNS: Final = WindowTurns()
