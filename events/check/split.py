"""Splits a request's body into raw items without decoding them.

A body is a JSON array. The usual body is split by msgspec, which also checks JSON's grammar. If it
refuses, the fault is mostly inside one item (half a character, NaN, 01, a control character), so
`events.check.scan` splits by brackets and quotes alone, and only the faulty item is rejected, later
and by itself.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw

from events.check.scan import BrokenStructureError, split_array

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SPACE: Final = b" \t\n\r"
_decode = msgspec.json.Decoder(list[Raw]).decode


class NotABatch(ValueError):  # noqa: N818 - the answer's name, as users know it
    """The body is not a JSON array, so its items cannot be separated (422)."""

    def __init__(self, reason: str, *, position_bytes: int) -> None:
        super().__init__(f"{reason} (byte {position_bytes})")
        self.reason = reason
        self.position_bytes = position_bytes


def split(body: bytes | bytearray) -> list[Raw]:
    """Split *body* into its items, in order. A byte order mark before the array is ignored.

    The time is linear in the body's length, whatever is in it; how many items there may be is the
    caller's to say. The items refer to *body* rather than copying it; `bytes(item)` copies one.

    Raises:
        NotABatch: it is not a JSON array, or its brackets do not match.
    """
    start = len(_BYTE_ORDER_MARK) if body.startswith(_BYTE_ORDER_MARK) else 0
    text = memoryview(body)[start:]
    _require_array(body, start)
    try:
        return _decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return _split(text, start)


def _require_array(body: bytes | bytearray, start: int) -> None:
    head = body[start : start + 1]
    if head != b"[":
        head = body[start:].lstrip(_SPACE)[:1]
    if head == b"":
        raise NotABatch("the body is empty; send a JSON array", position_bytes=start)
    if head != b"[":
        at = len(body) - len(body[start:].lstrip(_SPACE))
        raise NotABatch("the body is not a JSON array", position_bytes=at)


def _split(text: memoryview, start: int) -> list[Raw]:
    try:
        return [Raw(text[begin:end]) for begin, end in split_array(text)]
    except BrokenStructureError as broken:
        raise NotABatch(str(broken), position_bytes=start + broken.position_bytes) from None
