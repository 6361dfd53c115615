"""Dead letters: one JSON object that holds all of a refused item, with the reason.

The ingest API and the workers write them to `fasttrack.rejected`. Whatever the refused item holds,
its dead letter fits into that topic, so a bad item stops neither of them.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

import orjson

# The topic takes batches of 8 MiB; the rest of the record needs a little of it.
LARGEST_VALUE_BYTES: Final = 7 * 1024 * 1024
# What is kept of a larger item: base64 makes four bytes of three.
KEPT_BYTES: Final = 5 * 1024 * 1024
# Text that escapes make larger than this many times its size, and a little, is kept as base64.
MOST_GROWTH: Final = 2
LITTLE_BYTES: Final = 1024
# The end of the message of such a dead letter: the table of rejected items has one column for both.
AS_BASE64: Final = "; the item is kept as base64"


def dead_letter(facts: Mapping[str, Any], raw: bytes | None) -> bytes:
    """The dead letter with *facts*, and *raw* as text, or as base64 where it is not UTF-8.

    *facts* must have a `message`. Text that its escapes would more than double is kept as base64,
    and of more than `KEPT_BYTES` only the beginning; the message says so.
    """
    if raw is None:
        return orjson.dumps({**facts, **raw_fields(raw)})
    # An item that cannot fit is not escaped first: that would make it up to six times as long.
    if len(raw) <= LARGEST_VALUE_BYTES:
        value = orjson.dumps({**facts, **raw_fields(raw)})
        if len(value) <= min(LARGEST_VALUE_BYTES, MOST_GROWTH * len(raw) + LITTLE_BYTES):
            return value
    # Text of control characters grows sixfold as JSON, base64 by a third.
    if len(raw) <= KEPT_BYTES:
        encoded = base64.b64encode(raw).decode()
        message = f"{facts['message']}{AS_BASE64}"
        return orjson.dumps({**facts, "message": message, "raw_base64": encoded})
    kept = f"of {len(raw):,} bytes the first {KEPT_BYTES:,} are kept"
    encoded = base64.b64encode(raw[:KEPT_BYTES]).decode()
    return orjson.dumps({**facts, "message": f"{facts['message']}; {kept}", "raw_base64": encoded})


def report_of_item(request_number: str, position: int) -> str:
    """The name of the refusal of an item by the ingest API.

    *request_number* is our own for the request: an id from a client may not be unique.
    """
    return f"{request_number}:{position}"


def report_of_record(
    topic: str, incarnation: str, partition: int, offset: int, appended_ms: int
) -> str:
    """The name of the refusal of a record, made from its coordinates.

    The append time distinguishes topics of one name where the broker gives no *incarnation*.
    """
    return f"{incarnation or topic}:{partition}:{offset}:{appended_ms}"


def raw_fields(raw: bytes | None) -> dict[str, str | None]:
    """The raw item as text, or in base64 where it is not UTF-8."""
    if raw is None:
        return {"raw": None}
    try:
        return {"raw": raw.decode()}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(raw).decode("ascii")}
