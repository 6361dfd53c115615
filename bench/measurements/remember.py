"""Measures memory and time of the dedup index: `python -m bench.measurements.remember NUMBER`.

All ids are in one partition's index, which is the worst case: with more partitions each has fewer
segments to search.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Final

import numpy as np
import psutil

from streams.dedup.blocks import IdBlock
from streams.dedup.index import DedupIndex
from streams.judge.outcomes import Candidates, decide

BATCH: Final = 10_000
BATCHES: Final = 60
FILL: Final = 50_000
REPEATS: Final = 0.05
WINDOW_MS: Final = 168 * 3_600_000
NOW_MS: Final = 1_768_586_400_000


def random_block(
    dice: np.random.Generator, size: int, *, first_offset: int, at_ms: int = NOW_MS
) -> IdBlock:
    """A block of *size* new ids."""
    return IdBlock(
        dice.integers(0, 2**64, size, np.uint64),
        dice.integers(0, 2**64, size, np.uint64),
        np.arange(first_offset, first_offset + size),
        dice.integers(0, 2**32, size, np.uint32),
        at_ms,
        at_ms,
    )


def candidates(dice: np.random.Generator, *, first_offset: int, older: IdBlock) -> Candidates:
    """A fetched batch of which 5% are ids of *older*."""
    fresh = random_block(dice, BATCH, first_offset=first_offset)
    repeats = round(BATCH * REPEATS)
    at = dice.choice(BATCH, repeats, replace=False)
    rows = dice.integers(0, len(older), repeats)
    for mine, theirs in ((fresh.high, older.high), (fresh.low, older.low)):
        mine[at] = theirs[rows]
    fresh.fingerprints[at] = older.fingerprints[rows]
    times = np.full(BATCH, NOW_MS, np.int64)
    return Candidates(fresh.high, fresh.low, fresh.offsets, times, fresh.fingerprints)


def main(number: int) -> None:
    """Add *number* ids, then decide on fetched batches; print what it took as JSON."""
    dice = np.random.default_rng(7)
    process, index = psutil.Process(), DedupIndex(WINDOW_MS)
    sample = random_block(dice, FILL, first_offset=0)
    resident = process.memory_info().rss
    if number:
        index.add(sample)
    for offset in range(FILL, number, FILL):
        index.add(random_block(dice, min(FILL, number - offset), first_offset=offset))
    resident = process.memory_info().rss - resident
    took = [_decide(dice, index, number + BATCH * at, sample) for at in range(BATCHES)]
    used = sum(cpu for cpu, _ in took) / (BATCH * BATCHES)
    print(
        json.dumps(
            {
                "ids": number,
                "resident_bytes": resident,
                "reserved_bytes": index.nbytes,
                "us_per_event": round(1e6 * used, 3),
                "longest_batch_ms": round(1000 * max(wall for _, wall in took), 2),
            }
        )
    )


def _decide(
    dice: np.random.Generator, index: DedupIndex, first_offset: int, older: IdBlock
) -> tuple[float, float]:
    """Decide on one fetched batch and add its new ids: seconds of CPU, seconds."""
    batch = candidates(dice, first_offset=first_offset, older=older)
    cpu, wall = time.process_time(), time.perf_counter()
    state = decide(batch, index)
    if state.new_ids is not None:
        index.add(state.new_ids)
    return time.process_time() - cpu, time.perf_counter() - wall


if __name__ == "__main__":
    main(int(sys.argv[1]))
