"""A dead letter holds all of what was rejected, and always fits into its topic."""

from __future__ import annotations

import base64
import tracemalloc

import orjson
import pytest

from events.contract.dead_letters import KEPT_BYTES, LARGEST_VALUE_BYTES, dead_letter

FACTS = {"reason": "not_json", "message": "the item is not JSON"}
TOPIC_TAKES_BYTES = 8 * 2**20


@pytest.mark.parametrize("raw", [b'{"a": "\xc3\xa9"}', b"\x00\x01", b"\xff\xfe", b"", None])
def test_the_refused_item_can_be_restored(raw: bytes | None) -> None:
    """As text where it is UTF-8, as base64 where not."""
    kept = orjson.loads(dead_letter(FACTS, raw))

    if "raw_base64" in kept:
        assert raw == base64.b64decode(kept["raw_base64"])
    else:
        assert raw == (None if kept["raw"] is None else kept["raw"].encode())


@pytest.mark.parametrize("raw", [b"\x01" * 2_000_000, b"\x01" * 20_000_000, b"\xff" * 20_000_000])
def test_a_dead_letter_always_fits_into_the_topic(raw: bytes) -> None:
    """A control character is six bytes of JSON."""
    value = dead_letter(FACTS, raw)

    kept = orjson.loads(value)
    assert len(value) <= LARGEST_VALUE_BYTES < TOPIC_TAKES_BYTES
    assert raw[:KEPT_BYTES] == base64.b64decode(kept["raw_base64"])
    assert ("the first" in kept["message"]) == (len(raw) > KEPT_BYTES)


@pytest.mark.parametrize("size", [LARGEST_VALUE_BYTES + 1, 8 * 2**20])
@pytest.mark.parametrize("item", [b"\0", b'"', b"a", b"\xff", "\u0436".encode(), b"\\"])
def test_what_cannot_fit_is_not_escaped_first(item: bytes, size: int) -> None:
    """Escapes make a text up to six times as long."""
    raw = (item * size)[:size]
    tracemalloc.start()
    try:
        dead_letter(FACTS, raw)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 12 * LARGEST_VALUE_BYTES
