"""One odd request: which bytes are written how, and which answers are right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from ingest_http.answers import INTERNAL, KINDS
from ingest_http.http.routes import BULK_PATH

BULK: Final = BULK_PATH.encode()
TENANT: Final = "fuzz"
# The answers that /openapi.json allows, and 404 for other paths. 500 is listed, but always wrong.
DOCUMENTED: Final = frozenset({200, 204, *(kind.status for kind in KINDS)} - {INTERNAL.status})
# An ingest API may answer these at any time without harm; the run counts them.
BUSY: Final = frozenset({503, 510})
BROKEN, TAKEN = frozenset({400}), frozenset({204})
GENTLE_SECONDS: Final = 60.0
SOON_SECONDS: Final = 0.25

Key = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Secrets:
    """The keys of the two tenants that a run sends as."""

    fuzz: str
    heavy: str

    def in_text(self, text: bytes) -> bool:
        """Whether a key is in *text*."""
        return self.fuzz.encode() in text or self.heavy.encode() in text


@dataclass(frozen=True, slots=True)
class Valid:
    """A valid item among odd ones: its id and the record that it becomes."""

    id: str
    record: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One odd request, or a few in one connection.

    `expected` holds for every answer; 503 and 510 are never wrong. `answers` have to come, unless
    `may_close`. After `wait_seconds` without them the sending side is closed, so that an
    API that waits for more is released. `valid` items, by position, are stored if the answer says
    so.
    """

    what: str
    sends: tuple[bytes, ...]
    expected: frozenset[int] = DOCUMENTED
    answers: int = 1
    may_close: bool = False
    fresh: bool = True
    head: bool = False
    gap_seconds: float = 0.0
    wait_seconds: float = GENTLE_SECONDS
    leave: str = ""
    valid: Mapping[int, Valid] = field(default_factory=dict)
    size: int = 0
    dry_run: bool = False


def random_of(seed: int, number: int) -> Random:
    """The randomness of one case: any case of a run can be repeated alone."""
    return Random(f"{seed}:{number}")  # noqa: S311 - nothing secret is made of it


def raw(what: str, *sends: bytes, expected: frozenset[int] = DOCUMENTED, loose: bool) -> Case:
    """A case of odd bytes; with *loose* they may mean that more is to come."""
    return Case(
        what=f"raw: {what}",
        sends=sends,
        expected=expected,
        may_close=loose,
        wait_seconds=SOON_SECONDS if loose else GENTLE_SECONDS,
    )


def request(
    secrets: Secrets,
    body: bytes,
    *more: bytes,
    query: bytes = b"",
    method: bytes = b"POST",
    length: bool = True,
) -> bytes:
    """A request as a normal client writes it, with *more* header lines."""
    lines = [
        method + b" " + BULK + query + b" HTTP/1.1",
        b"Host: 127.0.0.1",
        b"x-api-key: " + secrets.fuzz.encode(),
        *([b"Content-Length: %d" % len(body)] if length else []),
        *more,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


JSON: Final = b"Content-Type: application/json"
