"""A payment that is stored under another id rule of its tenant is not stored again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from events.contract.id_rules import IdRules, Rule
from events.contract.registry import BY_NAME
from streams.dedup.index import DedupIndex
from streams.fetch.fetched_batch import FetchedBatch, Partition
from streams.judge.judge import Judged, judge, remember
from streams.judge.other_rules import without_known
from streams.judge.outcomes import Outcome, OutcomeCounts, sum_of

PAYMENT = BY_NAME["realtime-payment"]
CONTRACT = ("payment_id",)
WIDER = ("payment_id", "status")
WINDOW_MS = 60_000
CHANGED_AT = 1_000_000
DATA = {
    "payment_id": "p-1",
    "user_id": "686",
    "timestamp": "2025-01-15T12:01:00.123456789Z",
    "type": "credit",
    "status": "requested",
    "amount": 100,
    "currency": "EUR",
    "base_amount": 100,
    "vendor_name": "Credit Card",
}
Payment = tuple[str, str, int]
REQUESTED = ("p-1", "requested", 100)
APPROVED = ("p-1", "approved", 100)


class Store:
    """The payments that are stored; read as from ClickHouse."""

    def __init__(self) -> None:
        self.rows: list[pa.RecordBatch] = []

    def coordinates(self) -> dict[int, int]:
        """Offset and append time of each row."""
        return {
            row["_offset"]: round(row["_appended_at"].timestamp() * 1000)
            for batch in self.rows
            for row in batch.select(["_offset", "_appended_at"]).to_pylist()
        }

    async def rows_with(
        self, table: str, tenant: str, field: str, values: Sequence[str], columns: Sequence[str]
    ) -> pa.Table:
        """What is asked for, with plain columns as Arrow from ClickHouse has them."""
        assert (table, tenant) == ("payment", "acme")
        assert values == sorted(set(values))
        if not self.rows:
            return pa.table({name: pa.array([], pa.string()) for name in columns})
        stored = pa.Table.from_batches(self.rows).unify_dictionaries()
        found = stored.filter(pc.is_in(stored.column(field), pa.array(values)))
        return found.select(columns).cast(
            pa.schema(
                (one.name, one.type.value_type if pa.types.is_dictionary(one.type) else one.type)
                for one in found.select(columns).schema
            )
        )


class Partitioned:
    """One partition's worker: its dedup index, its rules, and its store."""

    def __init__(self, *history: tuple[str, ...]) -> None:
        rules = tuple(Rule(number * CHANGED_AT, fields) for number, fields in enumerate(history))
        self.rules = IdRules({("acme", PAYMENT.name): rules})
        self.dedup_index = DedupIndex(WINDOW_MS)
        self.store = Store()
        self.stored: dict[int, int] = {}
        self.written: Sequence[Judged] = ()
        self.offset = 0
        self.at_ms = 0

    def judge(self, *payments: Payment, at_ms: Sequence[int] = ()) -> Judged:
        """Judge payments (id, status, amount), appended at the time it is or *at_ms*."""
        count = len(payments)
        offsets = np.arange(self.offset, self.offset + count, dtype=np.int64)
        self.offset += count
        values = [
            json.dumps({**DATA, "payment_id": id_, "status": status, "amount": amount}).encode()
            for id_, status, amount in payments
        ]
        fetched = FetchedBatch(
            Partition(PAYMENT.topic, 0),
            int(offsets[0]),
            offsets,
            np.asarray(at_ms or [self.at_ms] * count, np.int64),
            list(values),
            [(("tenant", b"acme"),)] * count,
            incarnation="life",
        )
        index = self.dedup_index
        return remember(
            judge(fetched, PAYMENT, dedup_index=index, stored=self.stored, rules=self.rules)
        )

    async def write(self, *parts: Judged) -> OutcomeCounts:
        """Write a range; its outcomes."""
        self.written = await without_known(self.store, "payment", parts)
        self.last = self.written[-1] if self.written else Judged()
        self.store.rows += [part.rows for part in self.written if part.rows is not None]
        return sum_of(part.counts for part in self.written)

    async def take(self, *payments: Payment) -> OutcomeCounts:
        """Judge and write a range."""
        return await self.write(self.judge(*payments))


async def test_a_payment_that_comes_again_under_a_wider_id_is_one_payment() -> None:
    """The same content is a repeat; another state is another item, as the new rule says."""
    worker = Partitioned(CONTRACT, WIDER)
    assert await worker.take(REQUESTED, ("p-2", "requested", 100)) == OutcomeCounts(stored=2)
    worker.at_ms = CHANGED_AT

    assert await worker.take(REQUESTED) == OutcomeCounts(duplicates=1)
    assert await worker.take(APPROVED) == OutcomeCounts(stored=1)
    assert await worker.take(APPROVED, REQUESTED) == OutcomeCounts(duplicates=2)


async def test_other_content_of_the_same_new_id_is_a_conflict_each_time() -> None:
    """It is kept whole with the place of the row that counts, and uses up no id."""
    worker = Partitioned(CONTRACT, WIDER)
    await worker.take(("p-0", "requested", 1), REQUESTED)
    worker.at_ms = CHANGED_AT

    assert await worker.take(("p-1", "requested", 150)) == OutcomeCounts(conflicts=1)
    (kept,) = worker.last.conflicts.to_pylist()  # type: ignore[union-attr]
    assert (kept["tenant"], kept["event"], kept["id"]) == ("acme", PAYMENT.name, "p-1|requested")
    assert (kept["offset"], kept["first_partition"], kept["first_offset"]) == (2, 0, 1)
    assert json.loads(kept["raw"])["amount"] == 150
    assert worker.last.by_tenant == {("acme", Outcome.STORED): 0, ("acme", Outcome.CONFLICT): 1}
    assert worker.last.new_ids is None
    assert await worker.take(("p-1", "requested", 150)) == OutcomeCounts(conflicts=1)
    assert await worker.take(REQUESTED) == OutcomeCounts(duplicates=1)


@pytest.mark.parametrize("order", ["to", "ot", "t", "oto", "too", "ooto", "tt", "ott", "tot"])
async def test_conflicts_of_one_rule_and_of_two_are_kept_together(order: str) -> None:
    """In one batch, in any order, as rows with the same columns."""
    worker = Partitioned(CONTRACT, WIDER)
    await worker.take(REQUESTED, ("p-2", "requested", 1))
    worker.at_ms = CHANGED_AT
    await worker.take(("p-3", "requested", 1))
    of_two, of_one = ("p-1", "requested", 150), ("p-3", "requested", 2)

    counts = await worker.take(*(of_two if one == "t" else of_one for one in order))

    assert counts == OutcomeCounts(conflicts=len(order))
    kept = worker.last.conflicts.to_pylist()  # type: ignore[union-attr]
    assert sorted((row["offset"], row["first_offset"]) for row in kept) == [
        (offset, 0 if one == "t" else 2) for offset, one in enumerate(order, 3)
    ]
    assert {row["first_partition"] for row in kept} == {0}
    assert {(row["incarnation"], row["first_incarnation"]) for row in kept} == {("life", "life")}


@pytest.mark.parametrize("set_back_ms", [1, 2, 1_000, CHANGED_AT - 1, CHANGED_AT])
async def test_what_is_stored_came_first_also_after_the_clock_was_set_back(
    set_back_ms: int,
) -> None:
    """By the broker's clock the repeat is older than its row; by the log it is not."""
    worker = Partitioned(CONTRACT, WIDER)
    worker.at_ms = CHANGED_AT
    assert await worker.take(REQUESTED, ("p-2", "requested", 1)) == OutcomeCounts(stored=2)
    worker.at_ms -= set_back_ms

    assert await worker.take(REQUESTED) == OutcomeCounts(duplicates=1)
    assert await worker.take(("p-2", "requested", 9)) == OutcomeCounts(conflicts=1)


async def test_states_that_were_two_ids_are_one_under_a_narrower_rule() -> None:
    """What is stored stays; what comes is compared with the row that came first."""
    worker = Partitioned(WIDER, CONTRACT)
    assert await worker.take(REQUESTED, APPROVED) == OutcomeCounts(stored=2)
    worker.at_ms = CHANGED_AT

    assert await worker.take(REQUESTED) == OutcomeCounts(duplicates=1)
    assert await worker.take(APPROVED, ("p-1", "declined", 100)) == OutcomeCounts(conflicts=2)
    assert await worker.take(("p-2", "requested", 1)) == OutcomeCounts(stored=1)


async def test_a_rule_may_go_back_and_forth() -> None:
    """Each item is one row, whichever rule was in force when it came."""
    worker = Partitioned(CONTRACT, WIDER, CONTRACT, WIDER)
    stored = 0
    for turn in range(4):
        worker.at_ms = turn * CHANGED_AT
        stored += (await worker.take(REQUESTED, (f"p-{turn + 2}", "requested", 1))).stored
    assert stored == 5
    for turn in range(4):
        again = await worker.take((f"p-{turn + 2}", "requested", 1), REQUESTED)
        assert again == OutcomeCounts(duplicates=2)


async def test_rows_of_the_same_range_count_too() -> None:
    """Those of the old rule may not be stored yet when the new rule begins."""
    worker = Partitioned(CONTRACT, WIDER)
    await worker.take(("p-9", "requested", 1))
    old = worker.judge(REQUESTED)
    worker.at_ms = CHANGED_AT
    new = worker.judge(REQUESTED, APPROVED, ("p-1", "requested", 7))

    # The index knows the new id by the first of them.
    assert await worker.write(old, new) == OutcomeCounts(stored=2, duplicates=1, conflicts=1)


async def test_the_same_range_again_has_the_same_outcomes() -> None:
    """After a crash: what it remembered of itself is no first occurrence of another."""
    worker = Partitioned(CONTRACT, WIDER)
    await worker.take(REQUESTED)
    worker.at_ms = CHANGED_AT
    payments = [REQUESTED, APPROVED, ("p-1", "requested", 7), ("p-2", "requested", 1)]
    first = worker.judge(*payments)
    worker.offset -= len(payments)

    again = worker.judge(*payments)

    assert await worker.write(again) == OutcomeCounts(stored=2, duplicates=1, conflicts=1)
    assert first.counts == again.counts


@pytest.mark.parametrize("history", [(CONTRACT,), (WIDER,)])
async def test_a_rule_that_never_changed_asks_nothing(history: Any) -> None:
    """Ordinary traffic pays no query."""
    worker = Partitioned(*history)

    assert not worker.judge(REQUESTED, APPROVED).doubts


async def test_nothing_else_is_asked_about() -> None:
    """Only what would be stored and repeats of it, of the tenant and type whose rule changed."""
    worker = Partitioned(CONTRACT, WIDER)
    worker.at_ms = CHANGED_AT

    (doubt,) = worker.judge(REQUESTED, REQUESTED, APPROVED).doubts

    assert doubt.offsets == {0, 1, 2}
    assert (doubt.tenant, doubt.fields, doubt.found_by) == ("acme", WIDER, "payment_id")
    await worker.take(("p-2", "requested", 1))
    assert not worker.judge(("p-2", "requested", 1), ("p-2", "requested", 2)).doubts
