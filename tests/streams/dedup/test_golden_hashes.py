"""Hashes that are stored for as long as a window lasts: their values must never change.

The changelogs hold the hash of each id and the fingerprint of its content. A version that computes
other values takes repeats for new events, or repeats for conflicts. `golden_hashes.json` holds
values of the first version; nothing writes that file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from events.check.check import check_records
from events.contract.id_rules import parse_id_rules
from events.contract.registry import BY_NAME, EVENT_TYPES
from streams.dedup.index import DedupIndex
from streams.fetch.fetched_batch import FetchedBatch, Partition
from streams.judge.judge import judge

GOLDEN: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("golden_hashes.json").read_text("utf-8")
)
# One record is checked by itself, many are decoded into columns or compared as text.
COPIES = [1, 100]


def records(case: dict[str, Any], copies: int) -> FetchedBatch:
    """The case's item at neighbouring offsets."""
    return FetchedBatch(
        Partition(BY_NAME[case["event"]].topic, 0),
        0,
        np.arange(copies, dtype=np.int64),
        np.full(copies, 1_736_942_400_000, np.int64),
        [case["item"].encode()] * copies,
        [(("tenant", case["tenant"].encode()),)] * copies,
    )


def test_every_event_type_has_golden_hashes() -> None:
    """A new type gets its own when it is added."""
    assert {case["event"] for case in GOLDEN} == {row.name for row in EVENT_TYPES}


@pytest.mark.parametrize("copies", COPIES)
@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_the_fingerprint_of_a_content_is_what_it_always_was(
    case: dict[str, Any], copies: int
) -> None:
    """All 64 bits, whichever check decoded the record."""
    event_type = BY_NAME[case["event"]]

    checked = check_records(event_type, [case["item"].encode()] * copies, templates={})

    (accepted,) = checked.accepted
    assert {f"{value:016x}" for value in accepted.fingerprints().tolist()} == {case["fingerprint"]}


@pytest.mark.parametrize("copies", COPIES)
@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_the_hash_of_an_id_is_what_it_always_was(case: dict[str, Any], copies: int) -> None:
    """128 bits of tenant and id, as the changelog gets them, and 32 of the fingerprint."""
    rules = parse_id_rules({case["tenant"]: case["id_fields"]})

    judged = judge(
        records(case, copies),
        BY_NAME[case["event"]],
        dedup_index=DedupIndex(1000),
        stored={},
        rules=rules,
        templates={},
    )

    block = judged.new_ids
    assert block is not None
    assert len(block) == 1
    assert f"{int(block.high[0]):016x}{int(block.low[0]):016x}" == case["id_hash"]
    assert f"{int(block.fingerprints[0]):08x}" == case["fingerprint"][8:]
