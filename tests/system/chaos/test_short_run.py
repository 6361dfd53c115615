"""A short run of the chaos program: every fault may happen, nothing may be wrong."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from tests.system.chaos.run import RunOptions, run
from tests.system.chaos.table import lines

SECONDS = float(os.environ.get("CHAOS_SECONDS", "100"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
RATE = 300


@pytest.mark.e2e
@pytest.mark.timeout(600)
async def test_a_short_run_keeps_every_promise(tmp_path: Path) -> None:
    """Nothing lost, twice, invented, leaked, altered; every offset with one outcome.

    CHAOS_SEED and CHAOS_SECONDS choose another run; the long ones are `make chaos`.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    options = RunOptions(
        seed=SEED,
        directory=tmp_path,
        seconds=SECONDS,
        events=int(SECONDS * RATE),
        longest_outage_seconds=8,
        small_disks=True,  # where root may mount them
    )
    reported: list[str] = []

    outcome = await run(options, say=reported.append)

    assert outcome.is_clean, "\n".join([*reported, *lines(options, outcome)])
    assert outcome.deaths.total() > 0
    assert outcome.check_result.checked["ids acknowledged"] > outcome.events / 2
