"""The item that is sent again for a dead letter: as it was, whole, with corrections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Raw

from events.check.check import check_items
from events.contract.registry import BY_NAME, BY_TOPIC, EventType
from railhead.dead_letters.dead_letter import DeadLetter
from railhead.dead_letters.replay.corrections import CannotMendError, Mend, mend

# What the ingest API adds to the message of an item of which only the beginning is kept.
_CUT: Final = " are kept"


class CannotSendError(Exception):
    """Nothing can be sent for this dead letter; `reason`, `field` and the text say why."""

    def __init__(self, message: str, *, reason: str = "cannot_send", field: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.field = field


@dataclass(frozen=True, slots=True)
class ReplayItem:
    """An item `{"event", "data"}` as it is to be sent again, and the dead letter it was in."""

    dead_letter: DeadLetter
    raw: bytes

    @property
    def event_type(self) -> EventType | None:
        """The type it names; None if the contract has no such type."""
        try:
            named = msgspec.json.decode(self.raw, type=dict[str, Raw]).get("event", Raw(b"null"))
            name = msgspec.json.decode(named)
        except (msgspec.MsgspecError, RecursionError):
            return None
        return BY_NAME.get(name) if isinstance(name, str) else None


def item_of(dead_letter: DeadLetter, mends: tuple[Mend, ...] = ()) -> ReplayItem:
    """The item of *dead_letter*, made whole where a record held only its data, and mended.

    Raises:
        CannotSendError: it was not kept whole, is not readable, or cannot be mended like this.
    """
    if dead_letter.message.endswith(_CUT):
        raise CannotSendError("only its beginning is kept")
    raw = _whole(dead_letter.bytes, BY_TOPIC.get(dead_letter.topic))
    try:
        return ReplayItem(dead_letter, mend(raw, mends))
    except CannotMendError as error:
        raise CannotSendError(str(error)) from None


def _whole(raw: bytes, event_type: EventType | None) -> bytes:
    try:
        msgspec.json.decode(raw, type=Raw)
        fields = msgspec.json.decode(raw, type=dict[str, Raw])
    except msgspec.ValidationError:
        # JSON, but not an object: it can be sent, and is rejected for that.
        return raw
    except (msgspec.MsgspecError, RecursionError):
        raise _unreadable(raw) from None
    if event_type is None or ("event" in fields and "data" in fields):
        return raw
    return msgspec.json.encode({"event": event_type.name, "data": Raw(raw)})


def _unreadable(raw: bytes) -> CannotSendError:
    """Why *raw* is rejected; in a batch it might hide where its neighbours begin."""
    for one in check_items([raw]).rejected:
        return CannotSendError(one.message, reason=one.reason, field=one.field or "")
    return CannotSendError("its text cannot be read")
