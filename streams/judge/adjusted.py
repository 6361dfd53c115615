"""Counts, by tenant, the values that are stored in another form than they were sent."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from events.check.result import CheckedType
from events.contract.adjustments import Adjustment
from streams.judge.outcomes import Outcome
from streams.judge.rows import Origin

Adjusted = dict[tuple[str, Adjustment], int]


def adjusted_by_tenant(
    valid: CheckedType, origin: Origin, outcomes: npt.NDArray[np.uint8]
) -> Adjusted:
    """Count the adjusted values of stored records; *origin* and *outcomes* are of *valid*.

    Repeats and conflicts store nothing, so each value counts once however often it is sent.
    """
    if not valid.adjusted:
        return {}
    positions, adjustments = zip(*valid.adjusted, strict=True)
    rows = np.searchsorted(np.asarray(valid.positions), np.asarray(positions))
    tally: Counter[tuple[str, Adjustment]] = Counter()
    for row, adjustment in zip(rows.tolist(), adjustments, strict=True):
        if outcomes[row] == Outcome.STORED:
            tally[origin.runs[int(origin.run[row])].tenant or "", adjustment] += 1
    return dict(tally)
