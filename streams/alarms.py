"""Logs and counts what an operator must look at in a partition, with the exact offsets."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final, NoReturn

from streams.faust.crash import end_process
from streams.fetch.fetched_batch import Partition
from streams.metrics import WorkerMetrics
from streams.recovery.recovery_offset import RecoveryOffset

logger = logging.getLogger(__name__)

# A partition, what is wrong there, and with which offsets.
Fact = tuple[Partition, str, tuple[int, int]]

# What may be wrong with offsets of a partition: the alarm, and what the log says.
_WRONG: Final[dict[str, tuple[str, str]]] = {
    "lost": (
        "retention_passed",
        (
            "%s: offsets %d to %d were deleted by retention before they were stored. Have the "
            "clients send them again, and give the topic a longer retention.ms."
        ),
    ),
    "again": (
        "rows_missing",
        (
            "%s: of offsets %d to %d, which were committed, rows or ledger are missing in the "
            "store, as after a restored backup. They are read from Kafka again and stored."
        ),
    ),
    "missing": (
        "rows_missing",
        (
            "%s: the ledger says that offsets %d to %d are stored, but rows are missing, and Kafka "
            "no longer has the records. `railhead reconcile` says how many."
        ),
    ),
    "other incarnation": (
        "topic_recreated",
        (
            "%s: the ledger says that offsets %d to %d are stored, but the topic has "
            "other records there: it was recreated, or the broker lost its end. These are stored."
        ),
    ),
}


def raise_alarms(
    partition: Partition, found: RecoveryOffset, metrics: WorkerMetrics, reported: set[Fact]
) -> None:
    """Log and count what is wrong with the beginning of *partition*; work goes on after it.

    Each partition is checked with and without a record, and again after each rebalance: what is in
    *reported* is not reported again.

    Records that retention deleted before they were stored cannot be recovered here; the ledger
    keeps the hole, so that `railhead reconcile` always names it.
    """
    facts = [
        ("lost", found.lost),
        ("again", found.again),
        *(("missing", span) for span in found.missing),
        *(("other incarnation", span) for span in found.other_incarnation),
    ]
    for kind, span in facts:
        if span is not None and (partition, kind, span) not in reported:
            reported.add((partition, kind, span))
            _report(kind, partition, span, metrics)


def retention_passed(partition: Partition, lost: tuple[int, int], metrics: WorkerMetrics) -> None:
    """Report that the offsets *lost*, both ends included, were deleted before they were stored."""
    _report("lost", partition, lost, metrics)


def _report(kind: str, partition: Partition, span: tuple[int, int], metrics: WorkerMetrics) -> None:
    alarm, text = _WRONG[kind]
    metrics.alarm(alarm)
    logger.critical(text, partition, *span)


def moved_in_circles(partition: Partition, records: int, metrics: WorkerMetrics) -> None:
    """Report *records* of *partition* that belong elsewhere and were already sent on too often."""
    metrics.alarm("moved_in_circles")
    logger.error(
        "%s: %d records were sent from partition to partition and are kept here: do all workers "
        "have the same tenants file, and did the topic's number of partitions change?",
        partition,
        records,
    )


def partitions_changed(topic: str, before: int, now: int, metrics: WorkerMetrics) -> None:
    """Report that the ids of *topic* are spread in another way than those in the dedup index."""
    metrics.alarm("partitions_changed")
    logger.critical(
        "%s had %d partitions and has %d. Ids may now belong to another partition than the one "
        "that knows them: for one window repeats are stored twice (and shown once), and conflicts "
        "are found by `railhead reconcile` only.",
        topic,
        before,
        now,
    )


def end_at_lower_offsets(partition: Partition, first: int, last: int) -> NoReturn:
    """Report that *partition* starts again at *first* although it was read up to *last*, and end.

    The next process finds out what of it is stored, and reports it with the offsets.
    """
    logger.critical(
        "%s: offsets %d to %d hold other records than before: the topic was recreated, or the "
        "broker lost its end. The process ends; the next one asks the store what it has.",
        partition,
        first,
        last,
    )
    end_process()


def end_in_another_incarnation(topics: Iterable[str]) -> NoReturn:
    """Report that *topics* were recreated while they were read, and end.

    The next process reads them from their beginning.
    """
    logger.critical(
        "%s: deleted and recreated, with another topic id. The process ends; the next one reads "
        "the new topic from its beginning.",
        ", ".join(sorted(topics)),
    )
    end_process()
