"""What is kept of something that was refused? One JSON object: all of it, with the reason.

The door and the workers write these to `fasttrack.rejected`, and whatever the refused thing holds,
its letter fits into that topic: rubbish stops neither.
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
# Text whose escapes make more of it than this, beyond a little, is kept as base64.
MOST_GROWTH: Final = 2
LITTLE_BYTES: Final = 1024
# The end of the message of such a letter: the table of rejected items has one column for both.
AS_BASE64: Final = "; the item is kept as base64"


def dead_letter(reported: Mapping[str, Any], raw: bytes | None) -> bytes:
    """The letter that says *told*, and *raw* as text, or as base64 where it is not UTF-8.

    *told* must have a `message`. Text that would more than double by its escapes is kept as base64,
    and of more than `KEPT_BYTES` the beginning; the message says so.
    """
    value = orjson.dumps({**reported, **raw_fields(raw)})
    most = LARGEST_VALUE_BYTES if raw is None else MOST_GROWTH * len(raw) + LITTLE_BYTES
    if raw is None or len(value) <= min(LARGEST_VALUE_BYTES, most):
        return value
    # Text of control characters grows sixfold as JSON, base64 by a third.
    if len(raw) <= KEPT_BYTES:
        encoded = base64.b64encode(raw).decode()
        message = f"{reported['message']}{AS_BASE64}"
        return orjson.dumps({**reported, "message": message, "raw_base64": encoded})
    kept = f"of {len(raw):,} bytes the first {KEPT_BYTES:,} are kept"
    encoded = base64.b64encode(raw[:KEPT_BYTES]).decode()
    return orjson.dumps(
        {**reported, "message": f"{reported['message']}; {kept}", "raw_base64": encoded}
    )


def report_of_item(request_number: str, position: int) -> str:
    """Names the refusal of an item at the door.

    *request_number* is one that we gave to the request: what a client sends names nothing of ours.
    """
    return f"{request_number}:{position}"


def report_of_record(
    topic: str, incarnation: str, partition: int, offset: int, appended_ms: int
) -> str:
    """Names the refusal of a record by its coordinate.

    The append time tells topics of one name apart where the broker gives no *incarnation*.
    """
    return f"{incarnation or topic}:{partition}:{offset}:{appended_ms}"


def raw_fields(raw: bytes | None) -> dict[str, str | None]:
    """The raw thing as text, or in base64 where it is not UTF-8."""
    if raw is None:
        return {"raw": None}
    try:
        return {"raw": raw.decode()}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(raw).decode("ascii")}
