"""The judgement of a fetched batch: one outcome a record, its rows, and the ids remembered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import orjson
import pytest

from events.contract.adjustments import Adjustment
from events.contract.examples import example_text
from events.contract.id_rules import DEFAULT_RULES, IdRules, parse_id_rules
from events.contract.registry import BY_NAME
from streams.dedup.index import DedupIndex
from streams.fetch.fetched_batch import FetchedBatch, Headers, Partition
from streams.judge.judge import Judged, judge, remember
from streams.judge.outcomes import Outcome, OutcomeCounts
from streams.metrics import WorkerMetrics

CASINO = BY_NAME["realtime-casino"]
APPENDED_MS = 1_736_942_400_000
WINDOW_MS = 60_000
ADJUSTED_METRIC = "railhead_worker_adjusted_values_total"


def item(unique_id: str, **changes: object) -> bytes:
    """A valid item with *unique_id*, or one that *changes* make invalid."""
    whole = json.loads(example_text(CASINO))
    whole["data"].update(unique_id=unique_id, **changes)
    return json.dumps(whole).encode()


def headers(tenant: str | None, **more: bytes) -> Headers:
    """The headers of one record."""
    named = [] if tenant is None else [("tenant", tenant.encode())]
    return (*named, *more.items())


ALPHA = headers("alpha")


def fetched(
    values: Sequence[bytes | None], given: Sequence[Headers] | None = None, *, first: int = 0
) -> FetchedBatch:
    """Records at neighbouring offsets, all appended at one time."""
    count = len(values)
    return FetchedBatch(
        Partition(CASINO.topic, 3),
        first,
        np.arange(first, first + count, dtype=np.int64),
        np.full(count, APPENDED_MS, np.int64),
        list(values),
        list(given or [ALPHA] * count),
    )


def judged(
    given: FetchedBatch,
    dedup_index: DedupIndex | None = None,
    stored: Mapping[int, int] | None = None,
    rules: IdRules = DEFAULT_RULES,
) -> Judged:
    """The judgement by an index of its own."""
    index = DedupIndex(WINDOW_MS) if dedup_index is None else dedup_index
    return remember(judge(given, CASINO, dedup_index=index, stored=stored or {}, rules=rules))


def stored_offsets(result: Judged) -> list[int]:
    """Offsets of the rows to be written."""
    return [] if result.rows is None else result.rows.column("_offset").to_pylist()


def rejected(result: Judged) -> list[tuple[int, str]]:
    """Offset and reason of each dead letter."""
    return [(orjson.loads(one.value)["offset"], one.reason) for one in result.rejects]


@pytest.mark.parametrize("copies", [1, 40], ids=["few", "many"])
def test_every_record_has_exactly_one_outcome(copies: int) -> None:
    """A first occurrence, a duplicate, a conflict and a rejected one; few or many at once."""
    values = [
        value
        for number in range(copies)
        for value in (
            item(f"id-{number}"),
            item(f"id-{number}"),
            item(f"id-{number}", amount=7),
            item(f"bad-{number}", amount="7"),
        )
    ]

    result = judged(fetched(values))

    assert result.counts == OutcomeCounts(copies, copies, copies, copies)
    assert stored_offsets(result) == list(range(0, 4 * copies, 4))
    assert result.conflicts is not None
    assert result.conflicts.column("offset").to_pylist() == list(range(2, 4 * copies, 4))
    assert result.conflicts.column("first_offset").to_pylist() == list(range(0, 4 * copies, 4))
    assert sorted(rejected(result)) == [(at, "wrong_type") for at in range(3, 4 * copies, 4)]
    assert result.new_ids is not None
    assert result.new_ids.offsets.tolist() == list(range(0, 4 * copies, 4))
    # Dead letters are counted by the tenant that they name.
    assert result.by_tenant == {
        ("alpha", Outcome.STORED): copies,
        ("alpha", Outcome.DUPLICATE): copies,
        ("alpha", Outcome.CONFLICT): copies,
    }


def test_first_occurrences_are_remembered_at_once() -> None:
    """The next batch is judged before this one is written."""
    dedup_index = DedupIndex(WINDOW_MS)
    judged(fetched([item("a"), item("b")]), dedup_index)

    later = judged(fetched([item("b"), item("c")], first=2), dedup_index)

    assert later.counts == OutcomeCounts(stored=1, duplicates=1)
    assert stored_offsets(later) == [3]


def test_the_same_records_again_have_the_same_outcomes() -> None:
    """After a crash they come again at their own offsets, and all is written again."""
    dedup_index = DedupIndex(WINDOW_MS)
    given = fetched([item("a"), item("a"), item("a", amount=7), item("b", amount="7")])

    first, again = judged(given, dedup_index), judged(given, dedup_index)

    assert again.counts == first.counts == OutcomeCounts(1, 1, 1, 1)
    assert again.rows == first.rows
    assert again.rejects == first.rejects
    assert again.new_ids is not None
    assert again.new_ids.offsets.tolist() == [0]


@pytest.mark.parametrize("offset", [0, 1, 2])
def test_a_row_that_the_store_has_counts_and_is_not_written_again(offset: int) -> None:
    """The others of its batch are; the changelog gets all of the ids, as it may lack them."""
    result = judged(
        fetched([item("a"), item("b"), item("c")]), stored={offset: APPENDED_MS, 99: APPENDED_MS}
    )

    assert result.counts == OutcomeCounts(stored=3)
    assert stored_offsets(result) == [at for at in range(3) if at != offset]
    assert result.new_ids is not None
    assert result.new_ids.offsets.tolist() == [0, 1, 2]


def test_a_row_of_another_incarnation_of_the_topic_is_not_taken_for_the_record() -> None:
    """Same offset, but appended at another time."""
    result = judged(fetched([item("a")]), stored={0: APPENDED_MS - 1})

    assert stored_offsets(result) == [0]


def test_what_the_store_has_is_stored_even_if_its_id_was_seen_elsewhere() -> None:
    """Two workers may have judged it at once: the ledger says what the table holds."""
    dedup_index = DedupIndex(WINDOW_MS)
    judged(fetched([item("a")]), dedup_index)

    result = judged(fetched([item("a")], first=9), dedup_index, stored={9: APPENDED_MS})

    assert result.counts == OutcomeCounts(stored=1)
    assert result.rows is None


@pytest.mark.parametrize("tenant", [None, "", "Alpha", "-a", "a b", "a" * 64, "é"], ids=repr)
def test_a_record_without_a_tenants_name_is_rejected(tenant: str | None) -> None:
    """The others of its batch are judged; offsets are those of the records."""
    given = [headers("alpha"), headers(tenant), headers("beta")]

    result = judged(fetched([item("a"), item("a"), item("a")], given))

    assert result.counts == OutcomeCounts(stored=2, rejected=1)
    assert stored_offsets(result) == [0, 2]
    assert rejected(result) == [(1, "no_tenant")]
    assert result.by_tenant == {("alpha", Outcome.STORED): 1, ("beta", Outcome.STORED): 1}


def test_a_batch_of_records_without_tenant_is_all_rejected() -> None:
    """Nothing is stored and nothing remembered."""
    result = judged(fetched([item("a")] * 3, [headers(None)] * 3))

    assert result.counts == OutcomeCounts(rejected=3)
    assert (result.rows, result.new_ids) == (None, None)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null_value"),
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b"[]", "not_an_object"),
        (item("a", amount=None), "wrong_type"),
        (item("a", type="spin"), "not_allowed"),
    ],
    ids=["tombstone", "empty", "cut off", "a list", "null", "no such choice"],
)
def test_an_invalid_record_is_a_dead_letter_with_its_coordinate(
    value: bytes | None, reason: str
) -> None:
    """It has not used up its id: the valid one with the same id is a first occurrence."""
    given = headers("alpha", request_id=b"r-1", received_at=b"2025-01-15T12:00:00Z")

    result = judged(fetched([value, item("a")], [given] * 2, first=5))

    assert result.counts == OutcomeCounts(stored=1, rejected=1)
    (reject,) = result.rejects
    dead_letter = orjson.loads(reject.value)
    assert reject.key == b"alpha"
    assert dead_letter["reason"] == reason
    assert (dead_letter["topic"], dead_letter["partition"], dead_letter["offset"]) == (
        CASINO.topic,
        3,
        5,
    )
    assert (dead_letter["tenant"], dead_letter["request_id"]) == ("alpha", "r-1")
    assert dead_letter["received_at"] == "2025-01-15T12:00:00.000Z"


def test_an_id_belongs_to_its_tenant() -> None:
    """The same id of two tenants is two events."""
    result = judged(fetched([item("a")] * 4, [headers("alpha"), headers("beta")] * 2))

    assert result.counts == OutcomeCounts(stored=2, duplicates=2)


def test_a_tenants_rule_decides_what_the_id_is() -> None:
    """By two fields for one tenant, as the contract says for the other."""
    rules = parse_id_rules({"alpha": {CASINO.name: ["unique_id", "type"]}})
    given = [headers("alpha")] * 2 + [headers("beta")] * 2

    result = judged(fetched([item("a"), item("a", type="win")] * 2, given), rules=rules)

    assert result.counts == OutcomeCounts(stored=3, conflicts=1)
    assert stored_offsets(result) == [0, 1, 2]


def test_adjusted_values_are_counted_by_tenant_once_they_are_stored() -> None:
    """Not those of repeats, conflicts and rejects: nothing of them is in a table of events."""
    noisy = {"amount": 0.0035999999999999995, "entry_timestamp": "0001-01-01T00:00:00Z"}
    values = [
        item("a", **noisy),
        item("a", **noisy),
        item("a", amount=1e-25),
        item("b", bonus_wager_amount=1e-25),
        item("c", type=1, amount=1e-25),
        item("a", **noisy),
        item("d"),
    ]
    given = [ALPHA] * 5 + [headers("beta")] * 2

    result = judged(fetched(values, given))

    assert result.adjusted == {
        ("alpha", Adjustment.AMOUNT_ROUNDED): 2,
        ("alpha", Adjustment.TIME_UNSET): 1,
        ("beta", Adjustment.AMOUNT_ROUNDED): 1,
        ("beta", Adjustment.TIME_UNSET): 1,
    }
    metrics = WorkerMetrics()
    metrics.count(CASINO.topic, [result])
    labels = {"topic": CASINO.topic, "tenant": "alpha", "adjustment": "amount_rounded"}
    assert metrics.registry.get_sample_value(ADJUSTED_METRIC, labels) == 2
