"""Only the same range, tried again by the same process, has the same token."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from streams.fetch.fetched_batch import Partition
from streams.partition.durable_writes import InsertBatch

SPAN = InsertBatch(Partition("topic", 3), 10, 19, 1000, 2000)
IN_A_PROCESS_OF_ITS_OWN = """
from streams.fetch.fetched_batch import Partition
from streams.partition.durable_writes import InsertBatch

span = InsertBatch(Partition("topic", 3), 10, 19, 1000, 2000)
print(span.token(7), span.token(7))
"""


def test_a_range_that_is_tried_again_has_its_token_again() -> None:
    """The store leaves out what it has already."""
    assert SPAN.token(7) == replace(SPAN).token(7)


@pytest.mark.parametrize(
    ("span", "generation"),
    [
        (replace(SPAN, partition=Partition("other", 3)), 7),
        (replace(SPAN, partition=Partition("topic", 4)), 7),
        (replace(SPAN, first=11), 7),
        (replace(SPAN, last=20), 7),
        (replace(SPAN, first_appended_ms=1001), 7),
        (SPAN, 8),
    ],
)
def test_what_may_hold_other_rows_has_another_token(span: InsertBatch, generation: int) -> None:
    """The store would drop them silently."""
    assert span.token(generation) != SPAN.token(7)


def test_no_two_processes_share_a_token() -> None:
    """A generation may outlive a process (static membership); the next one cuts other ranges.

    What the one before left behind is found by offset, not by token.
    """
    command = [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN]
    incarnations = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2)
    ]

    assert all(first == again for first, again in incarnations)
    assert len({SPAN.token(7), *(first for first, _ in incarnations)}) == 3
