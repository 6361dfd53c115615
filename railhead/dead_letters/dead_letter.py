"""A dead letter, the id that names it, and the selection an operator makes."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from events.contract.dead_letters import AS_BASE64
from events.contract.registry import REJECTED_TOPIC

END_OF_TIME_MS: Final = 10_413_792_000_000
# This many characters of a topic's id distinguish its incarnations.
SHOWN_OF_INCARNATION: Final = 4
NO_INCARNATION: Final = "-"
# Reasons under which the raw item may have been kept in base64, as it was not text or too long.
_AS_BASE64: Final = frozenset(
    {"bad_encoding", "item_too_large", "no_tenant", "unknown_tenant", "unreadable_reject"}
)
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


class DeadLetterId(NamedTuple):
    """Where the report of a rejected item lies in `fasttrack.rejected`: it never moves.

    A recreated topic has the same offsets again, so the topic's `incarnation` belongs to
    the id, and where that is not known the append time. People give the beginning of an incarnation
    or leave it out; see `Archive.resolve`.
    """

    partition: int
    offset: int
    incarnation: str = ""
    appended_ms: int = 0

    def __str__(self) -> str:
        coordinate = f"{self.partition}:{self.offset}"
        shown = self.incarnation[:SHOWN_OF_INCARNATION]
        return f"{coordinate}:{shown}" if shown else coordinate


class AmbiguousIdError(ValueError):
    """An id that several reports have; the text names them."""


def parse_id(text: str) -> DeadLetterId:
    """Read `PARTITION:OFFSET`, with or without the topic before and the incarnation after it.

    Of the incarnation the beginning is enough; `-` stands for none.

    Raises:
        ValueError: it is something else.
    """
    found = re.fullmatch(
        rf"(?:{re.escape(REJECTED_TOPIC)}:)?(\d{{1,9}}):(\d{{1,18}})"
        rf"(?::({NO_INCARNATION}|[\w-]{{{SHOWN_OF_INCARNATION},22}}))?",
        text.strip(),
        re.ASCII,
    )
    if found is None:
        raise ValueError(
            f"{text!r} is not an id; ids are as `rejected list` prints them, like 0:17"
        )
    return DeadLetterId(int(found[1]), int(found[2]), found[3] or "")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One rejected item: why it was refused, what it was, where it came from.

    `position` is its index in its request; `topic`, `partition` and `offset` are those of a
    rejected record. `raw` may be cut off: `raw_length` bytes are kept.
    """

    id: DeadLetterId
    appended_at: datetime
    tenant: str
    event: str
    reason: str
    field: str
    message: str
    raw: str
    raw_length: int
    request_id: str
    position: int | None
    topic: str
    partition: int | None
    offset: int | None
    received_at: datetime
    stored_at: datetime
    replays: int
    replayed_at: datetime | None
    replay_outcome: str

    @property
    def origin(self) -> str:
        """Where it came from: a record's coordinate, or a request and the index in it."""
        if self.topic:
            return f"{self.topic}[{self.partition}] @ {self.offset}"
        item = "" if self.position is None else f" item {self.position}"
        return f"request {self.request_id}{item}"

    @property
    def bytes(self) -> bytes:
        """The item as it was sent."""
        if self.message.endswith(AS_BASE64):
            return base64.b64decode(self.raw)
        return raw_bytes(self.raw, self.reason)


@dataclass(frozen=True, slots=True)
class Occurrences:
    """When the same item (tenant, event, reason, field and bytes) was received, and how often."""

    first_seen: datetime
    last_seen: datetime
    times: int


def dead_letter_of(row: tuple[Any, ...]) -> DeadLetter:
    """Make a dead letter from a row of the query `dead_letters`."""
    *id_, appended_at, tenant, event = row[:7]
    *kept, times, last, outcome = row[7:]
    columns = [tenant, event, *kept, times, last if times else None, outcome]
    return DeadLetter(DeadLetterId(*id_), appended_at, *columns)


def raw_bytes(raw: str, reason: str) -> bytes:
    """The bytes that were kept as *raw*: its text, or what it holds in base64.

    The table does not say which. Bytes that are not text always have one of a few reasons, and what
    is JSON is not base64.
    """
    if reason in _AS_BASE64 and _BASE64.fullmatch(raw) and not (raw and _is_json(raw, reason)):
        return base64.b64decode(raw)
    return raw.encode("utf-8", "surrogateescape")


def _is_json(raw: str, reason: str) -> bool:
    if reason == "bad_encoding":
        return False
    try:
        json.loads(raw)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterSelection:
    """Which dead letters are selected; empty strings and None let everything pass.

    Times are those of arrival; `until` is not included.
    """

    tenant: str = ""
    event: str = ""
    reason: str = ""
    field: str = ""
    request_id: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def parameters(self) -> dict[str, Any]:
        """As parameters of a query."""
        texts = ("tenant", "event", "reason", "field", "request_id")
        return {
            **{name: getattr(self, name) for name in texts},
            "since_ms": _milliseconds(self.since, -2_208_988_800_000),
            "until_ms": _milliseconds(self.until, END_OF_TIME_MS),
        }


def _milliseconds(moment: datetime | None, otherwise: int) -> int:
    return otherwise if moment is None else round(moment.timestamp() * 1000)
