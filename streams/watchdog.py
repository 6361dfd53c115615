"""Is the worker stuck? A pure verdict over ages; the process that is stuck ends and starts again.

Known ways to hang are Faust's (pitfalls B2 to B5): offsets that never commit again, streams that
stop without an error, a recovery that waits for ever. An outage of the store or the broker is
not among them: then writes are being tried again, and waiting is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartitionFacts:
    """Ages in seconds of what a partition waits for.

    `unstored`: the oldest slice taken and not stored. `untaken`: since the last slice was taken,
    while the broker has more; 0 when there is nothing to take or no room to take it.
    """

    name: str
    unstored_seconds: float = 0.0
    untaken_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What the watchdog looks at. `holding`: writes are being tried again now."""

    partitions: Sequence[PartitionFacts] = ()
    uncommitted_seconds: float = 0.0
    recovery_seconds: float = 0.0
    holding: bool = False


def stuck(facts: Facts, *, limit_seconds: float) -> tuple[str, str] | None:
    """The kind of alarm and what to say when something is stuck; None when all is well."""
    if facts.recovery_seconds > limit_seconds:
        return "recovery_stuck", "recovery of the remembered ids makes no progress"
    if facts.holding:
        return None
    if facts.uncommitted_seconds > limit_seconds:
        return "commit_stuck", "acknowledged offsets are not committed"
    for partition in facts.partitions:
        if partition.unstored_seconds > limit_seconds:
            return "store_stuck", f"{partition.name}: what was taken is not stored"
        if partition.untaken_seconds > limit_seconds:
            return "take_stuck", f"{partition.name}: there are records and none is taken"
    return None
