"""The closed list of reasons to reject an item; documents and metrics are made from it.

There are three kinds. `contract`: the published schema refuses the item. `storage`: the schema
allows it but it cannot be kept as it was meant, so it is rejected visibly rather than clamped,
trimmed or guessed at (the few values that are adjusted: `events.contract.adjustments`). `stream`:
found after the check, by the workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Reason:
    """One row: `code` is what metrics and rejected items carry, the rest is for people."""

    code: str
    kind: Literal["contract", "storage", "stream"]
    meaning: str
    remedy: str


REASONS: Final[tuple[Reason, ...]] = (
    Reason("null_value", "contract", "the record has no value", "send the item"),
    Reason("bad_json", "contract", "the item is not JSON", "send JSON as RFC 8259 has it"),
    Reason("bad_encoding", "contract", "the item is not UTF-8", "encode it as UTF-8"),
    Reason("not_an_object", "contract", "the item is not a JSON object", 'send {"event", "data"}'),
    Reason("unknown_event", "contract", "no such event type", "send a type of the contract"),
    Reason("event_mismatch", "contract", "another type's topic", "send it to its own topic"),
    Reason("missing", "contract", "a required field is absent", "send the field"),
    Reason("wrong_type", "contract", "the JSON type is not the contract's", "send the contract's"),
    Reason("not_allowed", "contract", "not one of the allowed values", "send an allowed value"),
    Reason("bad_time", "contract", "not an RFC 3339 date-time with offset", "send one"),
    Reason("number_out_of_range", "storage", "more than 20 digits before the point", "send fewer"),
    Reason(
        "time_out_of_range",
        "storage",
        "a required time is not from 1900-01-01 to 2262-04-10",
        "send a real time",
    ),
    Reason("leap_second", "contract", "a leap second, which no clock here has", "send second 59"),
    Reason("duplicate_name", "storage", "a field appears twice in one object", "send it once"),
    Reason(
        "bad_text", "storage", "half a surrogate pair is not a character", "send whole characters"
    ),
    Reason("empty_id", "storage", "an empty id tells no two events apart", "send an id"),
    Reason("id_too_long", "storage", "an id of more than 2,048 characters", "send a shorter id"),
    Reason("item_too_large", "storage", "more than 1 MiB of JSON", "send a smaller item"),
    Reason("too_deep", "storage", "more than 128 levels of brackets", "send a flatter item"),
    Reason("no_tenant", "stream", "the record names no tenant", "set the header `tenant`"),
    Reason(
        "unknown_tenant",
        "stream",
        "the tenants file has no such tenant, and the worker rejects such records",
        "correct the header `tenant`, or add the tenant",
    ),
    Reason("store_refused", "stream", "ClickHouse refuses the row", "see `message`; then replay"),
)

BY_CODE: Final[dict[str, Reason]] = {reason.code: reason for reason in REASONS}
