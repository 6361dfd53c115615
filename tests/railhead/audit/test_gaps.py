"""`railhead doctor` sees gaps in the ledger and months without rows, and nothing else."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from clickhouse_connect.driver import create_client

from railhead.doctor.parts.gaps import obvious_gaps
from railhead.lag import Ends, KeptOffsets
from sinks.connection import client_arguments
from sinks.ledger import LedgerEntry
from sinks.store import Store
from tests.railhead.audit.bookkeeper import HandDrivenWorker

pytestmark = pytest.mark.e2e

TOPIC = "fasttrack.realtime-payment"
MONTH_MS = 31 * 24 * 3_600_000
NOW_MS = 1_700_000_000_000


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    """Numbers of partitions and months nobody has used."""
    return itertools.count()


def ranges(number: int, *spans: tuple[int, int], incarnation: str = "new") -> list[LedgerEntry]:
    """Ranges of a ledger, none of whose records is a row."""
    return [
        LedgerEntry(
            TOPIC, number, first, last, 0, last - first + 1, 0, 0, 1, "t", "w", NOW_MS, NOW_MS,
            incarnation=incarnation,
        )
        for first, last in spans
    ]  # fmt: skip


async def found(
    worker: HandDrivenWorker, entries: list[LedgerEntry], *, kept_from: int = 0
) -> list[str]:
    """What is seen of the partition of *entries*."""
    store = Store(worker.settings)
    await store.write_ledger(entries)
    await store.close()
    number = entries[0].partition
    ends: Ends = {(TOPIC, number): KeptOffsets(kept_from, 1000)}

    def look() -> list[str]:
        with create_client(**client_arguments(worker.settings)) as client:
            return [one for one in obvious_gaps(client, ends) if one.startswith(TOPIC)]

    return await asyncio.to_thread(look)


@pytest.mark.parametrize(
    ("spans", "kept_from", "gaps"),
    [
        ([(0, 9), (10, 19)], 0, []),
        ([(5, 9), (10, 19)], 0, []),
        ([(0, 9), (20, 29)], 0, ["10 to 19"]),
        ([(0, 9), (20, 29), (25, 40), (42, 50)], 0, ["10 to 19", "41 to 41"]),
        # A long range over others covers what lies between them.
        ([(0, 50), (10, 19), (30, 39), (51, 60)], 0, []),
        # Kafka has a part of it, or nothing: nothing can be done.
        ([(0, 9), (20, 29)], 19, ["10 to 19"]),
        ([(0, 9), (20, 29)], 20, []),
    ],
)
async def test_a_gap_in_the_ledger_is_seen(
    worker: HandDrivenWorker,
    numbers: Iterator[int],
    spans: list[tuple[int, int]],
    kept_from: int,
    gaps: list[str],
) -> None:
    """With its offsets, as long as Kafka has records there."""
    number = next(numbers)

    seen = await found(worker, ranges(number, *spans), kept_from=kept_from)

    where = f"{TOPIC}[{number}]: no range of the ledger covers"
    assert seen == [f"{where} {gap}" for gap in gaps]


async def test_another_incarnation_makes_no_gap(
    worker: HandDrivenWorker, numbers: Iterator[int]
) -> None:
    """Neither ranges of an earlier topic nor those that name none."""
    number = next(numbers)
    earlier = [
        replace(one, last_appended_ms=NOW_MS - 1)
        for one in ranges(number, (0, 9), (20, 29), incarnation="old")
    ]
    unnamed = ranges(number, (40, 49), (60, 69), incarnation="")

    assert await found(worker, [*earlier, *unnamed, *ranges(number, (0, 9), (10, 15))]) == []


@pytest.mark.parametrize(
    ("stored", "seen"), [(0, False), (1, True), (1000, True)], ids=["none", "one", "many"]
)
async def test_a_month_without_its_rows_is_seen(
    worker: HandDrivenWorker, numbers: Iterator[int], stored: int, *, seen: bool
) -> None:
    """As where a table lost a part, or was saved without it."""
    number = next(numbers)
    at_ms = NOW_MS - (number + 1) * MONTH_MS
    (entry,) = ranges(number, (0, 999))
    month = replace(entry, stored=stored, first_appended_ms=at_ms, last_appended_ms=at_ms)
    store = Store(worker.settings)
    await store.write_ledger([month])
    await store.close()

    def look() -> list[str]:
        with create_client(**client_arguments(worker.settings)) as client:
            return [one for one in obvious_gaps(client, {}) if one.startswith("payment")]

    seen_now = [one for one in await asyncio.to_thread(look) if f"counts {stored:,} rows" in one]
    assert bool(seen_now) == seen
