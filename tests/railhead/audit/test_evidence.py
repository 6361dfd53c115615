"""One block's records and rows compared: each record has one outcome, each row one record."""

from __future__ import annotations

from typing import Any

from railhead.audit.chain import Span
from railhead.audit.findings import FindingKind, concerning, hash_of_id
from railhead.audit.records.evidence import Evidence, judge
from streams.judge.outcomes import OutcomeCounts

TOPIC = "fasttrack.realtime-casino"
KEY_A, KEY_B, KEY_C = ("acme", "a"), ("acme", "b"), ("acme", "c")


def evidence(**known: Any) -> Evidence:
    """A block of the offsets 0 to 2, of which Kafka still has all records."""
    usual: dict[str, Any] = {
        "topic": TOPIC,
        "partition": 0,
        "span": Span(0, 2),
        "reported": OutcomeCounts(stored=3),
        "kept_from": 0,
        "keys": {0: KEY_A, 1: KEY_B, 2: KEY_C},
        "rows": {0: {KEY_A}, 1: {KEY_B}, 2: {KEY_C}},
    }
    return Evidence(**{**usual, **known})


def kinds(found: Evidence) -> list[tuple[FindingKind, int]]:
    """What is found, and where."""
    return [(one.kind, one.span.first) for one in judge(found)]


def test_records_with_their_rows_are_in_order() -> None:
    """Nothing is found where there is nothing to find."""
    assert judge(evidence()) == []


def test_a_valid_record_whose_id_has_no_row_is_lost() -> None:
    """It is named with its tenant and a hash of its id, never the id."""
    found = judge(evidence(rows={0: {KEY_A}, 2: {KEY_C}}))

    assert [(one.kind, one.span.first, one.tenant) for one in found] == [
        (FindingKind.LOST, 1, "acme")
    ]
    assert found[0].id_hash == hash_of_id("acme", "b")


def test_a_stored_record_replaced_by_its_id_elsewhere_is_superseded() -> None:
    """The same id came through another partition: the table keeps one row of it."""
    block = evidence(rows={0: {KEY_A}, 2: {KEY_C}}, elsewhere={KEY_B: (TOPIC, 1, 7)})

    assert judge(block) == []
    assert block.superseded == 1


def test_a_repeat_is_not_superseded() -> None:
    """The ledger counted it as a duplicate."""
    block = evidence(
        reported=OutcomeCounts(stored=2, duplicates=1),
        keys={0: KEY_A, 1: KEY_A, 2: KEY_C},
        rows={0: {KEY_A}, 2: {KEY_C}},
        elsewhere={KEY_A: (TOPIC, 0, 0)},
    )

    assert judge(block) == []
    assert block.superseded == 0


def test_a_rejected_record_must_be_kept() -> None:
    """Unless its dead letter is in Kafka, on its way to the table."""
    reported = OutcomeCounts(stored=2, rejected=1)
    keys = {0: KEY_A, 1: None, 2: KEY_C}
    rows = {0: {KEY_A}, 2: {KEY_C}}

    assert kinds(evidence(reported=reported, keys=keys, rows=rows)) == [
        (FindingKind.REJECT_MISSING, 1)
    ]
    assert kinds(evidence(reported=reported, keys=keys, rows=rows, rejected={1})) == []
    assert kinds(evidence(reported=reported, keys=keys, rows=rows, underway={1})) == []


def test_a_conflict_must_be_kept() -> None:
    """The ledger has one more than the table."""
    block = evidence(
        reported=OutcomeCounts(stored=2, conflicts=1),
        keys={0: KEY_A, 1: KEY_A, 2: KEY_C},
        rows={0: {KEY_A}, 2: {KEY_C}},
        elsewhere={KEY_A: (TOPIC, 0, 0)},
    )

    assert kinds(block) == [(FindingKind.CONFLICT_MISSING, 0)]
    assert block.superseded == 0


def test_a_row_of_another_id_than_its_records_is_foreign() -> None:
    """It claims a coordinate that belongs to another record."""
    rows = {0: {KEY_A}, 1: {KEY_B, ("acme", "x")}, 2: {KEY_C}}

    assert kinds(evidence(rows=rows)) == [(FindingKind.FOREIGN, 1)]


def test_a_row_where_there_is_no_record_is_foreign() -> None:
    """The offset holds a transaction's marker."""
    block = evidence(reported=OutcomeCounts(stored=2), keys={0: KEY_A, 2: KEY_C})

    assert kinds(block) == [(FindingKind.FOREIGN, 1)]


def test_a_record_kept_in_two_tables_has_two_outcomes() -> None:
    """It cannot be both stored and in conflict."""
    assert kinds(evidence(conflicts={1}))[0] == (FindingKind.TWO_OUTCOMES, 1)


def test_a_surplus_row_that_fits_its_record_is_reported_by_number() -> None:
    """The ledger counts a repeat there; the rows that may be meant are named."""
    block = evidence(
        reported=OutcomeCounts(stored=2, duplicates=1),
        keys={0: KEY_A, 1: KEY_A, 2: KEY_C},
        rows={0: {KEY_A}, 1: {KEY_A}, 2: {KEY_C}},
        elsewhere={KEY_A: (TOPIC, 0, 0), KEY_C: (TOPIC, 0, 2)},
    )

    found = judge(block)

    assert [one.kind for one in found] == [FindingKind.SHORT]
    assert found[0].text.endswith("an earlier row: 1")


def test_what_kafka_no_longer_keeps_cannot_be_proved() -> None:
    """Neither lost nor superseded: it is reported as unproven."""
    block = evidence(kept_from=3, keys={}, rows={0: {KEY_A}, 2: {KEY_C}})

    assert kinds(block) == [(FindingKind.UNPROVEN, 0)]


def test_other_tenants_records_are_left_out_when_one_is_asked_for() -> None:
    """What is about no tenant's record stays."""
    found = judge(evidence(rows={})) + judge(evidence(kept_from=3, keys={}, rows={}))

    assert {one.kind for one in concerning(found, "other")} == {FindingKind.UNPROVEN}
    assert len(concerning(found, "acme")) == 4
