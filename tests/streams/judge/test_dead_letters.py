"""Records of the topic of dead letters become rows, whatever is in them."""

from __future__ import annotations

import numpy as np
import orjson

from events.contract.registry import REJECTED_TOPIC
from streams.fetch.fetched_batch import FetchedBatch, Partition
from streams.judge.dead_letters import dead_letter_rows


def fetched(*values: bytes | None) -> FetchedBatch:
    """A fetched batch of the topic of dead letters."""
    count = len(values)
    return FetchedBatch(
        Partition(REJECTED_TOPIC, 1),
        50,
        np.arange(50, 50 + count, dtype=np.int64),
        np.full(count, 1_800_000_000_000, np.int64),
        list(values),
        [()] * count,
    )


def test_a_dead_letter_keeps_what_it_says() -> None:
    """Its fields are the row's; the origin is where the refused record was."""
    dead_letter = {
        "tenant": "acme",
        "reason": "missing",
        "topic": "t",
        "partition": 3,
        "offset": 2**40,
    }

    rows = dead_letter_rows(fetched(orjson.dumps(dead_letter)), {}).rows

    assert rows is not None
    row = rows.to_pylist()[0]
    assert {name: row[name] for name in dead_letter} == dead_letter
    assert (row["_partition"], row["_offset"]) == (1, 50)


def test_rubbish_is_kept_under_its_own_coordinate() -> None:
    """Each record is a row of its own, with its text or in base64."""
    rows = dead_letter_rows(fetched(b"rubbish", b"\xff", None, b"[]", b"{}"), {}).rows

    assert rows is not None
    kept = rows.to_pylist()
    assert {row["reason"] for row in kept} == {"unreadable_reject"}
    assert [(row["topic"], row["partition"], row["offset"]) for row in kept] == [
        (REJECTED_TOPIC, 1, offset) for offset in range(50, 55)
    ]
    assert [row["raw"] for row in kept] == ["rubbish", "/w==", "", "[]", "{}"]


def test_what_the_store_has_is_not_written_again() -> None:
    """It counts all the same."""
    judged = dead_letter_rows(fetched(b"a", b"b"), {50: 1_800_000_000_000})

    assert judged.counts.stored == 2
    assert judged.rows is not None
    assert judged.rows.column("_offset").to_pylist() == [51]
