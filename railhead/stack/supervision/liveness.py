"""Decides whether a process hangs: silent, and asking for no processor time, for long enough.

Silence alone says little: on a loaded machine a process that works may take long to answer. But
then it runs, or waits to run, and the kernel counts both. One that hangs does neither: it was
stopped, or all its threads wait for each other.
"""

from __future__ import annotations

from typing import Final, NamedTuple

LOOK_EVERY_SECONDS: Final = 3.0
HANGS_AFTER_SECONDS: Final = 20.0
# Of one core: timers and collectors of a process whose main work stands still.
LITTLE_DEMAND: Final = 0.05


class Look(NamedTuple):
    """What was seen of a process at a time, both in seconds.

    `reacts`: it answered, or there is a reason for its silence. `demand_seconds` is the processor
    time that it has had or waited for since its start, None if unknown.
    """

    at: float
    reacts: bool
    demand_seconds: float | None


class Liveness:
    """Follows one process."""

    def __init__(self) -> None:
        self._silent_since: Look | None = None

    def hangs(self, look: Look) -> bool:
        """Whether the process hangs, by *look* and those before."""
        begun, self._silent_since = self._silent_since, None if look.reacts else look
        if begun is None or look.reacts or look.demand_seconds is None:
            return False
        waited = look.at - begun.at
        wanted = look.demand_seconds - (begun.demand_seconds or 0.0)
        # A thread that ended takes its share with it, and had worked.
        if not 0 <= wanted <= LITTLE_DEMAND * waited:
            return False
        self._silent_since = begun
        return waited >= HANGS_AFTER_SECONDS
