"""A coordinate names a record only together with its topic's incarnation."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from streams.dedup.blocks import IdBlock, UnreadableBlock, pack, unpack
from streams.dedup.index import DedupIndex
from streams.dedup.table import DedupTable
from streams.faust.topic_ids import incarnation_bytes, incarnation_text
from streams.judge.outcomes import Candidates, Decision, Outcome, decide
from streams.recovery.recovery_offset import may_be_of

WINDOW_MS = 3_600_000
ONE, TWO = (incarnation_text(bytes([number]) * 16) for number in (1, 2))


def candidates(
    ids: list[int], offset: int, incarnation: str, *, at_ms: int = 1_000, content: int = 1
) -> Candidates:
    """Records with *ids* at neighbouring offsets of one incarnation."""
    high, count = np.asarray(ids, np.uint64), len(ids)
    return Candidates(
        high,
        high,
        np.arange(offset, offset + count, dtype=np.int64),
        np.full(count, at_ms, np.int64),
        np.full(count, content, np.uint32),
        incarnation,
    )


def remembered(*records: Candidates) -> DedupIndex:
    """An index that has seen *records*."""
    dedup_index = DedupIndex(WINDOW_MS)
    for one in records:
        decision = decide(one, dedup_index)
        assert decision.new_ids is not None
        dedup_index.add(decision.new_ids)
    return dedup_index


def outcomes(decision: Decision) -> list[Outcome]:
    """By name."""
    return [Outcome(outcome) for outcome in decision.outcomes.tolist()]


@pytest.mark.parametrize("offset", [0, 1, 7, 2**32 + 5])
@pytest.mark.parametrize(("content", "outcome"), [(1, Outcome.DUPLICATE), (2, Outcome.CONFLICT)])
def test_the_same_offset_of_a_recreated_topic_is_another_record(
    offset: int, content: int, outcome: Outcome
) -> None:
    """An id at an offset where it was seen before the topic was recreated is a repeat."""
    dedup_index = remembered(candidates([5, 6], offset, ONE))

    decision = decide(candidates([5, 6, 7], offset, TWO, content=content), dedup_index)

    assert outcomes(decision) == [outcome, outcome, Outcome.STORED]
    firsts = [decision.incarnations[at] for at in decision.first_incarnations.tolist()]
    assert firsts == [ONE, ONE, TWO]
    assert decision.new_ids is not None
    assert decision.new_ids.incarnation == TWO
    assert decision.new_ids.offsets.tolist() == [offset + 2]


@pytest.mark.parametrize("at_ms", [1_000, 900])
@pytest.mark.parametrize("known", [ONE, ""])
@pytest.mark.parametrize("now", [ONE, ""])
def test_a_record_that_is_delivered_again_is_the_first_again(
    known: str, now: str, at_ms: int
) -> None:
    """Also where one side does not name the incarnation: a block of an older version, or broker."""
    dedup_index = remembered(candidates([5], 3, known))

    decision = decide(candidates([5], 3, now, at_ms=at_ms), dedup_index)

    assert outcomes(decision) == [Outcome.STORED]


@pytest.mark.parametrize(("known", "now"), [("", ONE), (ONE, ""), ("", "")])
def test_where_no_incarnation_is_named_append_times_decide(known: str, now: str) -> None:
    """A recreated topic's records were appended after all that was seen of the one before."""
    dedup_index = remembered(candidates([5], 3, known))

    decision = decide(candidates([5], 3, now, at_ms=1_001), dedup_index)

    assert outcomes(decision) == [Outcome.DUPLICATE]


def test_what_is_seen_again_in_a_third_incarnation_is_found_in_the_newest() -> None:
    """Incarnations are distinguished however many an index holds, also after the window."""
    three = incarnation_text(bytes([3]) * 16)
    dedup_index = remembered(
        candidates([5], 0, ONE), candidates([5], 0, TWO, at_ms=1_001 + WINDOW_MS)
    )

    decision = decide(candidates([5], 0, three, at_ms=1_002 + WINDOW_MS), dedup_index)

    assert outcomes(decision) == [Outcome.DUPLICATE]
    assert decision.incarnations[int(decision.first_incarnations[0])] == TWO


GOLDEN = (
    "02010000" "02000000" "0a00000000000000" "e803000000000000" "d007000000000000"
    "01010101010101010101010101010101"
    "0100000000000000" "ffffffffffffffff"
    "0200000000000000" "0300000000000000"
    "00000000" "05000000"
    "07000000" "ffffffff"
)  # fmt: skip
FIRST_FORMAT = (
    "01000000" "02000000" "0a00000000000000" "e803000000000000" "d007000000000000"
    "0100000000000000" "ffffffffffffffff"
    "0200000000000000" "0300000000000000"
    "00000000" "05000000"
    "07000000" "ffffffff"
)  # fmt: skip


def golden(incarnation: str) -> IdBlock:
    """What the bytes above hold."""
    return IdBlock(
        np.asarray([1, 2**64 - 1], np.uint64),
        np.asarray([2, 3], np.uint64),
        np.asarray([10, 15], np.int64),
        np.asarray([7, 2**32 - 1], np.uint32),
        1_000,
        2_000,
        incarnation,
    )


def the_same(one: IdBlock, other: IdBlock) -> bool:
    """Whether two blocks hold the same."""
    columns = ("high", "low", "offsets", "fingerprints")
    return (one.first_ms, one.last_ms, one.incarnation) == (
        other.first_ms,
        other.last_ms,
        other.incarnation,
    ) and all(getattr(one, name).tolist() == getattr(other, name).tolist() for name in columns)


def test_a_blocks_bytes_stay_what_they_are() -> None:
    """Changelogs outlive versions: what is written today is what was written before."""
    assert pack(golden(ONE)).hex() == GOLDEN
    assert the_same(unpack(bytes.fromhex(GOLDEN)), golden(ONE))


def test_a_block_of_the_first_format_is_still_read() -> None:
    """It names no incarnation."""
    assert the_same(unpack(bytes.fromhex(FIRST_FORMAT)), golden(""))


@pytest.mark.parametrize(
    "value",
    [
        "03" + GOLDEN[2:],
        "0202" + GOLDEN[4:],
        "0200" + GOLDEN[4:],
        "00" + GOLDEN[2:],
        GOLDEN[:-2],
        GOLDEN + "00",
        FIRST_FORMAT[:-2],
        "02" + FIRST_FORMAT[2:],
        "01" + GOLDEN[2:],
        "0201000000000000" + GOLDEN[16:112],
        "",
        "02",
    ],
    ids=[
        "another format", "other hashes", "no hashes", "format 0", "too short", "too long",
        "first format too short", "second without incarnation", "first with incarnation", "no ids",
        "empty", "one byte",
    ],
)  # fmt: skip
def test_what_is_not_wholly_a_block_is_unreadable(value: str) -> None:
    """Another format, other hashes, another length: nothing of it is remembered."""
    with pytest.raises(UnreadableBlock):
        unpack(bytes.fromhex(value))


@pytest.mark.parametrize(
    "change",
    [
        {"offsets": np.asarray([15, 10], np.int64)},
        {"offsets": np.asarray([-3, 2], np.int64)},
        {"offsets": np.asarray([2**63 - 2, 2**63 - 1], np.int64)},
        {"first_ms": 2_001},
        {"last_ms": -(2**63)},
    ],
    ids=["descending", "negative", "at the end of numbers", "times turned round", "long ago"],
)
def test_a_block_that_no_worker_writes_is_unreadable_or_harmless(
    change: dict[str, object],
) -> None:
    """Whatever is written to the changelog, the index takes it without an error."""
    fields = {name: getattr(golden(ONE), name) for name in IdBlock.__dataclass_fields__} | change
    block = IdBlock(**fields)
    try:
        again = unpack(pack(block))
    except UnreadableBlock:
        return

    dedup_index = DedupIndex(WINDOW_MS)
    dedup_index.add(again)
    decide(candidates([1, 2], 10, ONE), dedup_index)


async def test_what_is_remembered_keeps_its_incarnation() -> None:
    """From the changelog a restart reads of which topic the offsets are."""
    written: list[bytes] = []

    class Written(DedupTable):
        def __init__(self) -> None:
            """No Faust app."""

        def send_changelog(self, _partition: int, _key: bytes, value: bytes) -> Any:
            """Keep what is sent."""
            written.append(value)
            return asyncio.sleep(0)

    await Written().remember(0, golden(TWO), timeout_seconds=1.0)

    assert unpack(written[0]).incarnation == TWO


def test_a_topic_id_is_written_as_kafkas_tools_write_it() -> None:
    """22 characters of base64; none for no id."""
    topic_id = bytes(range(16))

    assert incarnation_text(topic_id) == "AAECAwQFBgcICQoLDA0ODw"
    assert incarnation_bytes(incarnation_text(topic_id)) == topic_id
    assert (incarnation_text(bytes(16)), incarnation_bytes("")) == ("", bytes(16))


def test_an_incarnation_that_is_not_known_may_be_any() -> None:
    """Rows of an older version are judged by their append times."""
    assert may_be_of(ONE, ONE)
    assert may_be_of("", ONE)
    assert may_be_of(ONE, "")
    assert not may_be_of(ONE, TWO)
