"""The items of a body are split at the right bytes, whatever is inside them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.check.check import check_items
from events.check.scan import BrokenStructureError, split_array
from events.check.split import NotABatch, split

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


def chunks(body: bytes) -> list[bytes]:
    """The items of *body* as bytes."""
    return [bytes(item) for item in split(body)]


@settings(max_examples=200, deadline=None)
@given(st.lists(VALUES, max_size=6), st.booleans(), st.sampled_from([None, 1]))
def test_items_are_those_a_json_reader_finds(
    items: list[Any],
    ascii_only: bool,  # noqa: FBT001 - drawn by hypothesis
    indent: int | None,
) -> None:
    """Splitting and reading gives what reading the whole gives, for either way of splitting."""
    body = json.dumps(items, ensure_ascii=ascii_only, indent=indent).encode()

    by_brackets = [body[start:end] for start, end in split_array(memoryview(body))]

    assert [json.loads(chunk) for chunk in chunks(body)] == items
    assert by_brackets == chunks(body)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(['{"a":"', '"', "}", "\\", "\\\\", ",", "[", "]", " ", "é"])).map(
        "".join
    ),
    st.integers(1, 7),
)
def test_where_blocks_end_does_not_matter(inside: str, block_bytes: int) -> None:
    """Strings, runs of backslashes and depth are carried from block to block."""
    text = memoryview(f"[{inside}]".encode())

    assert split_or_fault(text, block_bytes) == split_or_fault(text, 1 << 18)


def split_or_fault(text: memoryview, block_bytes: int) -> list[tuple[int, int]] | str:
    """Where the items are, or what is wrong."""
    try:
        return split_array(text, block_bytes=block_bytes)
    except BrokenStructureError as error:
        return str(error)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(["[", "]", "{", "}", '"', "\\", ",", ":", "1", " ", "a", "\x01"]))
    .map("".join)
    .map(str.encode)
    | st.binary()
)
def test_no_body_raises_anything_but_not_a_batch(body: bytes) -> None:
    """Any bytes are split into items or are not a batch; each item then has an outcome."""
    for text in (body, b"[" + body + b"]", b"[1," + body + b",NaN]"):
        try:
            items = split(text)
        except NotABatch:
            continue
        assert len(check_items(items).rejected) == len(items)


GOOD = (
    b'{"event":"realtime-login","data":{"user_id":"1","unique_id":"%d",'
    b'"timestamp":"2025-01-15T12:00:00Z"}}'
)


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (b"NaN", "bad_json"),
        (b'{"a":Infinity}', "bad_json"),
        (b'{"a":01}', "bad_json"),
        (b'{"a":"\x01"}', "bad_json"),
        (b'{"a":"\\x"}', "bad_json"),
        (b'{"a" 1}', "bad_json"),
        (b"tru", "bad_json"),
        (b"", "bad_json"),
        (b'{"a":"\xff"}', "bad_encoding"),
        (b'{"a":"\xed\xa0\x80"}', "bad_encoding"),
        (b'{"a":"\\ud800"}', "missing"),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "too_deep"),
        (b'{"a":' + b'{"b":' * 5000 + b"1" + b"}" * 5000 + b"}", "too_deep"),
        (b'{"a":"' + b"x" * (1 << 20) + b'"}', "item_too_large"),
        (b'{"a":1e400}', "missing"),
        (b"9" * 10_000, "not_an_object"),
        (b"null", "not_an_object"),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else value,
)
def test_a_faulty_item_is_rejected_and_its_neighbours_are_not(odd: bytes, reason: str) -> None:
    """Whatever breaks one item, the others of the batch are accepted."""
    items = split(b"[" + GOOD % 1 + b", " + odd + b" ," + GOOD % 2 + b"]")

    checked = check_items(items)

    assert [(one.position, one.reason) for one in checked.rejected] == [(1, reason)]
    assert checked.accepted[0].ids == ["1", "2"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"{}",
        b"null",
        b'"x"',
        b"1",
        b"[",
        b"[1",
        b"[1]]",
        b"[1] x",
        b'["a',
        b"[NaN",
        b"x[]",
    ],
)
def test_what_is_not_an_array_is_not_a_batch(body: bytes) -> None:
    """The whole body is refused when its items cannot be separated."""
    with pytest.raises(NotABatch):
        split(body)


def test_the_position_of_the_fault_is_reported() -> None:
    """An integrator needs the byte to look at."""
    with pytest.raises(NotABatch, match="follows the end of the array") as caught:
        split(b"[1]  garbage")

    assert caught.value.position_bytes == 5


def test_a_byte_order_mark_before_the_array_is_ignored() -> None:
    """RFC 8259 allows a reader to ignore it."""
    assert chunks(b"\xef\xbb\xbf [1]") == [b"1"]


DEEP = """
import sys, threading
from events.check.check import check_items
from events.check.split import NotABatch, split
size = 2_000_000
inside = b'{"b":' * size + b"1" + b"}" * size
bodies = [b"[" * size, b"[" * size + b"]" * size, b'[{"a":' + inside + b"}]"]
def run():
    for body in bodies:
        try:
            items = split(body)
        except NotABatch:
            print("not a batch")
        else:
            print([one.reason for one in check_items(items).rejected])
run()
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


def test_deep_nesting_never_ends_the_process() -> None:
    """Millions of brackets take linear time and no stack, in any thread."""
    done = subprocess.run(
        [sys.executable, "-c", DEEP], capture_output=True, text=True, timeout=120, check=True
    )

    once = ["not a batch", "['item_too_large']", "['item_too_large']"]
    assert done.stdout.split("\n")[:-1] == once * 2
