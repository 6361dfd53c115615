"""What is kept of an item that was refused? All of it, with the reason, on `fasttrack.rejected`."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import orjson

from events.result import Rejection

# The topic takes batches of 8 MiB; the rest of the record needs a little of it.
LARGEST_VALUE_BYTES: Final = 7 * 1024 * 1024
# What is kept of a larger item: base64 makes four bytes of three.
KEPT_BYTES: Final = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Origin:
    """The request that an item came with."""

    tenant: str
    request_id: str
    received_at: str


def reject_record(rejection: Rejection, raw: msgspec.Raw, position: int, origin: Origin) -> bytes:
    """The record's value for an item refused at *position* of its batch."""
    record = {
        "tenant": origin.tenant,
        "event": rejection.event,
        "reason": rejection.reason,
        "field": rejection.field,
        "message": rejection.message,
        **raw_fields(bytes(raw)),
        "request_id": origin.request_id,
        "position": position,
        "topic": None,
        "partition": None,
        "offset": None,
        "received_at": origin.received_at,
    }
    value = orjson.dumps(record)
    return value if len(value) <= LARGEST_VALUE_BYTES else _shortened(record, bytes(raw))


def raw_fields(raw: bytes) -> dict[str, str]:
    """The item as text; as base64 if it is not UTF-8."""
    try:
        return {"raw": raw.decode()}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(raw).decode()}


def reject_records(
    rejections: Sequence[Rejection], raws: Sequence[msgspec.Raw], start: int, origin: Origin
) -> list[bytes]:
    """The values for *rejections* among *raws*, of which the first is number *start*."""
    return [
        reject_record(rejection, raws[rejection.position], start + rejection.position, origin)
        for rejection in rejections
    ]


def _shortened(record: dict[str, Any], raw: bytes) -> bytes:
    # Text of control characters grows sixfold as JSON, base64 by a third; the rest is too large.
    record.pop("raw", None)
    record["raw_base64"] = base64.b64encode(raw[:KEPT_BYTES]).decode()
    if len(raw) > KEPT_BYTES:
        kept = f"of {len(raw):,} bytes the first {KEPT_BYTES:,} are kept"
        record["message"] = f"{record['message']}; {kept}"
    return orjson.dumps(record)
