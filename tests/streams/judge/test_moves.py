"""Which records lie on another partition than their id's, and what is sent there."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from aiokafka.partitioner import murmur2

from events.contract.id_rules import IdRules, parse_id_rules
from events.contract.registry import BY_NAME
from streams.dedup.index import DedupIndex
from streams.fetch.fetched_batch import FetchedBatch
from streams.judge.judge import Judged, judge, remember
from streams.judge.moved_from import MovedFrom, parse_moved_from
from streams.judge.moves import MOST_HEADER_BYTES, Move
from streams.judge.outcomes import Outcome, OutcomeCounts
from streams.judge.partition_counts import PartitionCounts
from streams.metrics import WorkerMetrics
from streams.partition.mover import BATCH_BYTES, batched
from tests.streams.judge.test_judge import APPENDED_MS, CASINO, WINDOW_MS, fetched, headers, item

PARTITIONS = 5
INCARNATION = "abcdefghijklmnop-_01AA"
# The partition that the records of `fetched` lie on.
HERE = 3
PAYMENT = BY_NAME["realtime-payment"]


def home(unique_id: str, tenant: str = "alpha") -> int:
    """Where an id belongs by Kafka's own partitioner."""
    return int((murmur2(f"{tenant}:{unique_id}".encode()) & 0x7FFFFFFF) % PARTITIONS)


IDS = [f"id-{number}" for number in range(60)]
AT_HOME = [one for one in IDS if home(one) == HERE]
AWAY = [one for one in IDS if home(one) != HERE]


def judged(
    given: FetchedBatch, dedup_index: DedupIndex | None = None, stored: dict[int, int] | None = None
) -> Judged:
    """The judgement among several partitions."""
    index = DedupIndex(WINDOW_MS) if dedup_index is None else dedup_index
    rules, stored = IdRules(), stored or {}
    return remember(
        judge(given, CASINO, dedup_index=index, stored=stored, rules=rules, partitions=PARTITIONS)
    )


@pytest.mark.parametrize("ids", [IDS, IDS[:3], AWAY, AT_HOME], ids=["many", "few", "all", "none"])
def test_a_record_counts_where_its_id_belongs_and_is_sent_there_otherwise(ids: list[str]) -> None:
    """Sent on are key and value as the ingest API writes them; here nothing is remembered."""
    dedup_index = DedupIndex(WINDOW_MS)

    result = judged(fetched([item(one) for one in ids]), dedup_index)

    away = [one for one in ids if one in AWAY]
    assert result.counts == OutcomeCounts(stored=len(ids) - len(away), moved=len(away))
    assert [(one.partition, one.key, one.value) for one in result.moves] == [
        (home(one), f"alpha:{one}".encode(), item(one)) for one in away
    ]
    assert len(dedup_index) == len(ids) - len(away)
    assert result.by_tenant.get(("alpha", Outcome.MOVED), 0) == len(away)


def test_a_moved_record_says_where_it_lay() -> None:
    """After the headers it had, in their order."""
    given = headers("alpha", request_id=b"r-1", trace=b"\xff")

    there = replace(fetched([item(AWAY[0])], [given], first=7), incarnation=INCARNATION)

    (move,) = judged(there).moves

    assert move.headers[:-1] == given
    assert parse_moved_from(move.headers[-1][1]) == MovedFrom(HERE, 7, APPENDED_MS, 1, INCARNATION)


@pytest.mark.parametrize("before", ["", "c0ffee-_c0ffeec0ffee0A"])
def test_a_record_that_is_sent_on_again_says_where_it_lay_last(before: str) -> None:
    """Whatever topic was before it; the count goes on."""
    name, text = MovedFrom(1, 2, 3, 1, before).header()

    there = fetched([item(AWAY[0])], [headers("alpha", **{name: text})], first=7)

    (move,) = judged(replace(there, incarnation=INCARNATION)).moves

    assert parse_moved_from(move.headers[-1][1]) == MovedFrom(HERE, 7, APPENDED_MS, 2, INCARNATION)


def test_a_header_of_an_older_version_is_read() -> None:
    """It names no incarnation; how often a record was sent on counts all the same."""
    text = b'{"partition":1,"offset":2,"appended_ms":3,"times":4}'

    assert parse_moved_from(text) == MovedFrom(1, 2, 3, 4, "")


@pytest.mark.parametrize("times", range(5))
def test_nothing_goes_in_circles(times: int) -> None:
    """A record that was sent on too often is judged where it is; the alarm is another's matter."""
    name, text = MovedFrom(0, 1, 1, times)._replace(times=times).header()

    result = judged(fetched([item(AWAY[0])], [headers("alpha", **{name: text})]))

    if times < 3:
        (move,) = result.moves
        assert [header[0] for header in move.headers] == ["tenant", "moved_from"]
        assert orjson.loads(move.headers[-1][1])["times"] == times + 1
        assert result.kept_astray == 0
    else:
        assert result.counts == OutcomeCounts(stored=1)
        assert result.kept_astray == 1


@pytest.mark.parametrize(
    "forged",
    [
        b"", b"{}", b"null", b"[]", b"\xff", b'"1"', b"1e999", b"[" * 400, b"{" * 10_000,
        b'{"partition":1,"offset":2,"appended_ms":3}',
        b'{"partition":true,"offset":2,"appended_ms":3,"times":4}',
        b'{"partition":1,"offset":-2,"appended_ms":3,"times":4}',
        b'{"partition":1,"offset":2.0,"appended_ms":3,"times":4}',
        b'{"partition":1,"offset":2,"appended_ms":9223372036854775808,"times":4}',
        b'{"partition":1,"offset":2,"appended_ms":"3","times":4}',
        b'{"partition":1,"offset":2,"appended_ms":3,"times":null}',
        b'{"partition":1,"offset":2,"appended_ms":3,"times":4,"incarnation":5}',
        b'{"partition":1,"offset":2,"appended_ms":3,"times":4,"incarnation":null}',
        b'{"partition":1,"offset":2,"appended_ms":3,"times":4,"incarnation":"a"}',
        b'{"partition":1,"offset":2,"appended_ms":3,"times":4,"incarnation":"' + b"a" * 23 + b'"}',
        b'{"partition":1,"offset":2,"appended_ms":3,"times":4,"incarnation":"' + b"." * 22 + b'"}',
    ],
)  # fmt: skip
def test_a_header_that_we_did_not_write_says_nothing(forged: bytes) -> None:
    """Neither a receive time nor how often; the record is sent on as any other."""
    given = headers("alpha", moved_from=forged)

    result = judged(fetched([item(AWAY[0]), item(AT_HOME[0])], [given, given]))

    assert result.counts == OutcomeCounts(stored=1, moved=1)
    assert orjson.loads(result.moves[0].headers[-1][1])["times"] == 1
    assert result.rows is not None
    received = result.rows.column("received_at").cast("int64").to_pylist()
    assert received == [APPENDED_MS]


@pytest.mark.parametrize(
    ("reported", "expected"),
    [(1_000, 1_000), (2**63 - 1, APPENDED_MS), (10_413_792_000_000, APPENDED_MS)],
)
def test_a_record_that_was_sent_on_was_received_when_it_was_appended_first(
    reported: int, expected: int
) -> None:
    """Unless its producer says when; a time that no column holds is not taken."""
    name, text = MovedFrom(0, 1, reported, 1).header()
    own = b"2025-01-15T11:00:00Z"
    given = headers("alpha", **{name: text})

    result = judged(
        fetched([item(one) for one in AT_HOME[:2]], [given, (*given, ("received_at", own))])
    )

    assert result.rows is not None
    received = result.rows.column("received_at").cast("int64").to_pylist()
    assert received == [expected, 1_736_938_800_000]


def test_what_is_known_here_is_judged_here() -> None:
    """The first occurrence was stored here before records were sent on: it still counts."""
    dedup_index = DedupIndex(WINDOW_MS)
    one, other = AWAY[:2]
    alone = fetched([item(one)])
    remember(judge(alone, CASINO, dedup_index=dedup_index, stored={}, rules=IdRules()))

    result = judged(fetched([item(one), item(one, amount=9), item(other)], first=1), dedup_index)

    assert result.counts == OutcomeCounts(duplicates=1, conflicts=1, moved=1)
    assert result.conflicts is not None
    assert result.conflicts.column("first_offset").to_pylist() == [0]


def test_what_is_stored_here_is_not_sent_on() -> None:
    """Of a range that was stored before records were sent on, and lacks its ledger row."""
    result = judged(fetched([item(one) for one in AWAY[:2]]), stored={1: APPENDED_MS})

    assert result.counts == OutcomeCounts(stored=1, moved=1)
    assert result.rows is None


def test_refused_records_stay() -> None:
    """They have no id, so they belong nowhere else."""
    values = [b"rubbish", None, item(AWAY[0], amount="x"), item(AWAY[1])]

    result = judged(fetched(values, [headers("alpha")] * 3 + [headers(None)]))

    assert result.counts == OutcomeCounts(rejected=4)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({}, "p|1"),
        ({"realtime-payment": ["payment_id", "status"]}, "p|1"),
        ({"realtime-payment": ["status", "payment_id"]}, "p|1"),
        ({"realtime-payment": ["user_id", "status"]}, "u|approved"),
        ({"realtime-payment": ["user_id"]}, "u"),
        ({"realtime-login": ["user_id"]}, "p|1"),
    ],
)
def test_the_contracts_id_decides_the_partition_if_the_tenants_own_holds_it(
    fields: dict[str, list[str]], key: str
) -> None:
    """So a rule may become wider or narrower and every id stays where it is."""
    rules = parse_id_rules({"alpha": fields})
    data = {
        "payment_id": "p|1", "user_id": "u", "timestamp": "2025-01-15T12:00:00Z", "type": "credit",
        "status": "approved", "amount": 1, "currency": "EUR", "base_amount": 1, "vendor_name": "v",
    }  # fmt: skip
    partitions = 1_000_003

    result = judge(
        fetched([orjson.dumps(data)] * 20),
        PAYMENT,
        dedup_index=DedupIndex(WINDOW_MS),
        stored={},
        rules=rules,
        partitions=partitions,
    )

    expected = (
        f"alpha:{key}".encode(),
        (murmur2(f"alpha:{key}".encode()) & 0x7FFFFFFF) % partitions,
    )
    assert {(move.key, move.partition) for move in result.moves} == {expected}
    assert result.counts == OutcomeCounts(moved=20)


def test_a_producers_own_headers_are_dropped_where_they_may_not_fit() -> None:
    """A record is as large as the topic allows; ours are kept, the last of each name."""
    own = [("x", b"y" * MOST_HEADER_BYTES), ("tenant", b"alpha"), ("request_id", b"r")]

    (move,) = judged(fetched([item(AWAY[0])], [tuple(own)])).moves

    assert [name for name, _ in move.headers] == ["tenant", "request_id", "moved_from"]


def test_batches_keep_the_order_and_are_bounded() -> None:
    """What is under way is bounded by batches, and each holds a record at least."""
    sizes = [10, BATCH_BYTES, 10, *[BATCH_BYTES // 8] * 20]
    moves = [
        Move(number % 2, b"k%d" % number, b"v" * size, ()) for number, size in enumerate(sizes)
    ]

    found = batched(moves)

    for partition, batches in found.items():
        assert [one for batch in batches for one in batch] == moves[partition::2]
        for batch in batches:
            assert len(batch) == 1 or sum(one.size_bytes for one in batch) <= BATCH_BYTES


def test_another_number_of_partitions_is_noticed() -> None:
    """Ids belong elsewhere from then on; while a topic is not known the last number counts."""
    metrics = WorkerMetrics()
    found: dict[str, set[int]] = {}
    counts = PartitionCounts(found.get, metrics)

    with pytest.raises(LookupError):
        counts.of("t")
    found["t"] = {0, 1, 2}
    assert counts.of("t") == 3
    found["t"] = set()
    assert counts.of("t") == 3
    assert metrics.alarms.labels(kind="partitions_changed")._value.get() == 0
    found["t"] = {0, 1, 2, 3}
    assert counts.of("t") == counts.of("t") == 4
    assert metrics.alarms.labels(kind="partitions_changed")._value.get() == 1
