"""Says what a command waits for, once it has waited for two seconds."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

SAID_AFTER_SECONDS: Final = 2.0


Item = TypeVar("Item")


def _to_standard_error(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def waiting_for(
    what: Callable[[], object] | object, *, say: Callable[[str], None] = _to_standard_error
) -> Iterator[None]:
    """Say `waiting for WHAT` if the body takes longer; *what* may be a function, asked then."""
    timer = threading.Timer(
        SAID_AFTER_SECONDS, lambda: say(f"waiting for {what() if callable(what) else what}")
    )
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def each_waiting_for(what: object, items: Iterable[Item]) -> Iterator[Item]:
    """The *items*, saying what is waited for whenever one takes longer."""
    iterator = iter(items)
    while True:
        with waiting_for(what):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item
