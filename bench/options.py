"""The options of a run of `railhead bench`: one frozen object that every measurement reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line's options; a *quick* run shows that it works, not how fast."""

    quick: bool
    seconds: float
    say: Say
    most_stream_events: int = 1_000_000

    def pick(self, *, quick: int, full: int) -> int:
        """*quick* in a quick run, else *full*."""
        return quick if self.quick else full

    @property
    def stream_events(self) -> int:
        """How many records are ready for the worker."""
        return self.pick(quick=50_000, full=self.most_stream_events)

    @property
    def evening_items(self) -> int:
        """How many items one evening of the corpus has."""
        return self.pick(quick=20_000, full=100_000)
