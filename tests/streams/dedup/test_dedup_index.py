"""The dedup index: blocks, segments, look-up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.dedup.blocks import IdBlock, UnreadableBlock, pack, unpack
from streams.dedup.index import UNSEEN, DedupIndex

HOUR_MS = 3_600_000


def block_of(ids: list[int], first_offset: int = 0, at_ms: int = 0) -> IdBlock:
    """A block whose ids sit at neighbouring offsets."""
    high = np.asarray(ids, np.uint64)
    offsets = np.arange(first_offset, first_offset + len(ids), dtype=np.int64)
    return IdBlock(high, high * 7, offsets, (high & 0xFF).astype(np.uint32), at_ms, at_ms)


def test_a_block_survives_the_changelog() -> None:
    """What is packed is unpacked the same, to the last bit."""
    block = IdBlock(
        np.asarray([2**64 - 1, 0, 5], np.uint64),
        np.asarray([1, 2**63, 9], np.uint64),
        np.asarray([10, 11, 10 + 2**32 - 1], np.int64),
        np.asarray([0, 2**32 - 1, 7], np.uint32),
        -5,
        2**62,
    )

    again = unpack(pack(block))

    for name in ("high", "low", "offsets", "fingerprints"):
        assert getattr(again, name).tolist() == getattr(block, name).tolist()
    assert (again.first_ms, again.last_ms, again.key) == (-5, 2**62, block.key)


@pytest.mark.parametrize("value", [b"", b"x", b"\x02" + bytes(80), pack(block_of([1]))[:-1]])
def test_rubbish_in_the_changelog_is_no_block(value: bytes) -> None:
    """A record of another version or length is refused, never half read."""
    with pytest.raises(UnreadableBlock):
        unpack(value)


def test_an_id_is_found_where_it_was_first_seen() -> None:
    """Look-up finds offset, fingerprint and time of the first occurrence."""
    index = DedupIndex(HOUR_MS)
    index.add(block_of([3, 4, 5], first_offset=100, at_ms=77))

    found = index.look_up(np.asarray([4, 9], np.uint64), np.asarray([28, 63], np.uint64))

    assert found.offsets.tolist() == [101, UNSEEN]
    assert found.fingerprints[0] == 4
    assert found.appended_ms[0] == 77


def test_ids_that_share_half_a_hash_are_distinguished() -> None:
    """All 128 bits decide."""
    index = DedupIndex(HOUR_MS)
    index.add(block_of([3]))

    found = index.look_up(np.asarray([3, 3], np.uint64), np.asarray([21, 22], np.uint64))

    assert found.offsets.tolist() == [0, UNSEEN]


@given(
    st.lists(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=40, unique=True), max_size=20)
)
def test_the_index_agrees_with_a_dictionary(batches: list[list[int]]) -> None:
    """Whatever is added in whatever blocks, the index finds what a plain dictionary would."""
    index, model, offset = DedupIndex(HOUR_MS), {}, 0
    for batch in batches:
        fresh = [number for number in batch if number not in model]
        if fresh:
            index.add(block_of(fresh, first_offset=offset))
            model.update({number: offset + at for at, number in enumerate(fresh)})
            offset += len(fresh)

        high = np.asarray(batch, np.uint64)
        assert index.look_up(high, high * 7).offsets.tolist() == [model[n] for n in batch]
    assert len(index) == len(model)


def test_many_ids_grow_over_segments() -> None:
    """A hundred thousand ids with clustered hashes are all found again."""
    index = DedupIndex(HOUR_MS)
    ids = list(range(100_000))
    for start in range(0, len(ids), 3000):
        index.add(block_of(ids[start : start + 3000], first_offset=start))

    high = np.asarray(ids, np.uint64)
    assert index.look_up(high, high * 7).offsets.tolist() == ids


def test_what_is_older_than_the_window_is_forgotten() -> None:
    """Adding newer ids drops segments that are wholly too old."""
    index = DedupIndex(1000)
    index.add(block_of([1], first_offset=0, at_ms=0))
    index.add(block_of([2], first_offset=1, at_ms=900))
    index.add(block_of([3], first_offset=2, at_ms=1500))

    found = index.look_up(np.asarray([1, 2, 3], np.uint64), np.asarray([7, 14, 21], np.uint64))

    assert found.offsets.tolist() == [UNSEEN, 1, 2]
    assert len(index) == 2
