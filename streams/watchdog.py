"""Decides from ages whether the worker is stuck; a stuck process ends and is started again.

Known ways to hang are Faust's (pitfalls.md#b2 to #b5): offsets that never commit again, streams
that stop without an error, a recovery that waits forever. An outage of the store or the broker is
not among them: then writes are being retried, and waiting is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartitionFacts:
    """Ages in seconds of what a partition waits for.

    `unstored`: the oldest batch taken and not stored, or since the last pause of a reject spike
    after that. `untaken`: since the last batch was taken, while the broker has more; 0 when there
    is nothing to take, when the memory limit is reached, or during a pause.
    """

    name: str
    unstored_seconds: float = 0.0
    untaken_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What the watchdog looks at.

    `calm_seconds`: since no write has had to be tried again. What waited through an outage is old
    when it ends, but not stuck.
    """

    partitions: Sequence[PartitionFacts] = ()
    uncommitted_seconds: float = 0.0
    recovery_seconds: float = 0.0
    rebalancing_seconds: float = 0.0
    calm_seconds: float = float("inf")


def stuck(
    facts: Facts, *, limit_seconds: float, recovery_limit_seconds: float | None = None
) -> tuple[str, str] | None:
    """The kind of alarm and what to say when something is stuck; None when all is well.

    A recovery has a limit of its own, if one is given.
    """
    recovery_limit = recovery_limit_seconds or limit_seconds
    recovery = "recovery of the dedup index makes no progress"
    rebalance = "a rebalance of the group does not end"
    ages = [
        ("recovery_stuck", facts.recovery_seconds, recovery_limit, recovery),
        ("rebalance_stuck", facts.rebalancing_seconds, limit_seconds, rebalance),
    ]
    if facts.calm_seconds > limit_seconds:
        ages += [(kind, age, limit_seconds, what) for kind, age, what in _watched(facts)]
    return next(((kind, what) for kind, age, limit, what in ages if age > limit), None)


def _watched(facts: Facts) -> Iterator[tuple[str, float, str]]:
    yield "commit_stuck", facts.uncommitted_seconds, "acknowledged offsets are not committed"
    for one in facts.partitions:
        yield "store_stuck", one.unstored_seconds, f"{one.name}: what was taken is not stored"
        yield "take_stuck", one.untaken_seconds, f"{one.name}: there are records, none is taken"
