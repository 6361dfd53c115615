"""The dead letters of rejected items, for `fasttrack.rejected`: each item with its reason."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from events.check.result import Rejection
from events.contract.dead_letters import dead_letter, report_of_item


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """The request that an item came with.

    `number` is our own and unique; `request_id` is the client's, who may use one twice.
    """

    tenant: str
    request_id: str
    received_at: str
    number: str = field(default_factory=lambda: secrets.token_urlsafe(16))


def reject_record(
    rejection: Rejection, raw: msgspec.Raw, position: int, origin: RequestOrigin
) -> bytes:
    """The value of the record for the item that was rejected at *position* of its batch."""
    facts = {
        "tenant": origin.tenant,
        "event": rejection.event,
        "reason": rejection.reason,
        "field": rejection.field,
        "message": rejection.message,
        "request_id": origin.request_id,
        "position": position,
        "topic": None,
        "partition": None,
        "offset": None,
        "received_at": origin.received_at,
        "report": report_of_item(origin.number, position),
    }
    return dead_letter(facts, bytes(raw))


def reject_records(
    rejections: Sequence[Rejection], raws: Sequence[msgspec.Raw], start: int, origin: RequestOrigin
) -> list[bytes]:
    """The values for *rejections* among *raws*, of which the first is number *start*."""
    return [
        reject_record(rejection, raws[rejection.position], start + rejection.position, origin)
        for rejection in rejections
    ]
