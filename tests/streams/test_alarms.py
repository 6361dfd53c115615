"""What is wrong with the beginning of a partition is reported once."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from streams import alarms
from streams.alarms import Fact
from streams.fetch.fetched_batch import Partition
from streams.metrics import WorkerMetrics
from streams.recovery.recovery_offset import RecoveryOffset

HERE, THERE = Partition("t", 0), Partition("t", 1)
FOUND = RecoveryOffset(20, 20, {})


def raised(metrics: WorkerMetrics, kind: str) -> float:
    """How often an alarm was raised."""
    return float(metrics.alarms.labels(kind=kind)._value.get())


@pytest.mark.parametrize(
    ("found", "kind", "times"),
    [
        (replace(FOUND, again=(20, 49)), "rows_missing", 1),
        (replace(FOUND, missing=((0, 9),)), "rows_missing", 1),
        (replace(FOUND, missing=((0, 9), (12, 15))), "rows_missing", 2),
        (replace(FOUND, again=(20, 49), missing=((20, 49),)), "rows_missing", 2),
        (replace(FOUND, lost=(3, 9)), "retention_passed", 1),
        (replace(FOUND, other_incarnation=((0, 9),)), "topic_recreated", 1),
    ],
    ids=["again", "missing", "two holes", "again and missing", "lost", "recreated"],
)
def test_what_was_found_twice_is_reported_once(
    caplog: pytest.LogCaptureFixture, found: RecoveryOffset, kind: str, times: int
) -> None:
    """A partition is looked at without a record, with its first one, and after a rebalance."""
    metrics, reported = WorkerMetrics(), set[Fact]()

    with caplog.at_level(logging.CRITICAL):
        for _ in range(3):
            alarms.raise_alarms(HERE, found, metrics, reported)

    assert raised(metrics, kind) == len(caplog.records) == times


@pytest.mark.parametrize(
    ("partition", "found"),
    [
        (THERE, replace(FOUND, again=(20, 49))),
        (HERE, replace(FOUND, again=(20, 59))),
        (HERE, replace(FOUND, again=(10, 49))),
        (HERE, replace(FOUND, missing=((20, 49),))),
    ],
    ids=["other partition", "longer", "earlier", "other fault"],
)
def test_another_hole_is_reported(partition: Partition, found: RecoveryOffset) -> None:
    """Elsewhere, or of other offsets."""
    metrics, reported = WorkerMetrics(), set[Fact]()
    alarms.raise_alarms(HERE, replace(FOUND, again=(20, 49)), metrics, reported)

    alarms.raise_alarms(partition, found, metrics, reported)

    assert raised(metrics, "rows_missing") == 2
