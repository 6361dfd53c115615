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


def letter(told: Mapping[str, Any], raw: bytes | None) -> bytes:
    """The letter that says *told*, and *raw* as text, or as base64 where it is not UTF-8.

    *told* must have a `message`. Of more than `KEPT_BYTES` the beginning is kept, and said so.
    """
    value = orjson.dumps({**told, **raw_fields(raw)})
    if raw is None or len(value) <= LARGEST_VALUE_BYTES:
        return value
    # Text of control characters grows sixfold as JSON, base64 by a third.
    short = {**told, "raw_base64": base64.b64encode(raw[:KEPT_BYTES]).decode()}
    if len(raw) > KEPT_BYTES:
        kept = f"of {len(raw):,} bytes the first {KEPT_BYTES:,} are kept"
        short["message"] = f"{told['message']}; {kept}"
    return orjson.dumps(short)


def raw_fields(raw: bytes | None) -> dict[str, str | None]:
    """The raw thing as text, or in base64 where it is not UTF-8."""
    if raw is None:
        return {"raw": None}
    try:
        return {"raw": raw.decode()}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(raw).decode("ascii")}
