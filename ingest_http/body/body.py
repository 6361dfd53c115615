"""Reads request bodies: judges the headers first, then counts the bytes as they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from ingest_http.answers import (
    BODY_TOO_LARGE,
    CONTENT_ENCODING,
    MEDIA_TYPE,
    NOT_A_BATCH,
    OVERLOADED,
    ApiError,
)
from ingest_http.body.admission import Reservation
from ingest_http.body.decompress import ACCEPT_ENCODING, DECODERS, BadCompressionError, Decoder

FIRST_RESERVATION_BYTES: Final = 64 * 1024
YIELD_EVERY_BYTES: Final = 1024 * 1024
JSON_TYPES: Final = frozenset({"", "application/json", "text/json"})


class ByteStream(Protocol):
    """A request's body as it arrives."""

    async def readany(self) -> bytes:
        """Some bytes; empty at the end."""

    def at_eof(self) -> bool:
        """Tell whether all of it was read."""


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """What the headers say about a body that may be read."""

    encoding: str
    announced_bytes: int | None
    limit_bytes: int

    @property
    def first_reservation_bytes(self) -> int:
        """Bytes to reserve before the first byte is read."""
        return FIRST_RESERVATION_BYTES if self.announced_bytes is None else self.announced_bytes


def plan_body(headers: Mapping[str, str], limit_bytes: int) -> BodyPlan:
    """Judge *headers*; nothing of the body is read for that.

    A missing Content-Type is taken as JSON, since nothing else is accepted here; a charset is
    ignored, since JSON is UTF-8 (RFC 8259) and anything else fails as JSON.

    Raises:
        ApiError: 415 or 413.
    """
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type not in JSON_TYPES:
        raise ApiError(MEDIA_TYPE, f"Content-Type is {_shown(media_type)}, not JSON")
    encoding = headers.get("Content-Encoding", "").strip().lower()
    if encoding not in DECODERS:
        raise ApiError(
            CONTENT_ENCODING,
            f"Content-Encoding {_shown(encoding)} is not supported",
            headers={"Accept-Encoding": ACCEPT_ENCODING},
        )
    length = headers.get("Content-Length", "")
    # Longer numbers never get here: the HTTP parser refuses them.
    announced = int(length) if length.isascii() and length.isdigit() else None
    if announced is not None and announced > limit_bytes:
        raise _too_large(f"of {announced:,} bytes", limit_bytes)
    return BodyPlan(encoding, announced, limit_bytes)


async def read_body(
    stream: ByteStream, plan: BodyPlan, reservation: Reservation
) -> bytes | bytearray:
    """Read and decompress the whole body, never holding more than *plan* and *reservation* allow.

    Raises:
        ApiError: 413 past the limit, 422 if it is not compressed as announced, 503 if it grows
            past what can be reserved.
    """
    make_decoder = DECODERS[plan.encoding]
    if make_decoder is None:
        return await _read_plain(stream, plan, reservation)
    try:
        return await _read_compressed(stream, plan, reservation, make_decoder())
    except BadCompressionError as error:
        raise ApiError(
            NOT_A_BATCH, f"The body is not {plan.encoding}, as Content-Encoding says: {error}"
        ) from None


async def _read_plain(
    stream: ByteStream, plan: BodyPlan, reservation: Reservation
) -> bytes | bytearray:
    first = await stream.readany()
    _check_size(len(first), plan, reservation)
    chunk = await stream.readany()
    if not chunk:
        return first
    # Grown in place: joining chunks would hold the body twice.
    body = bytearray(first)
    while chunk:
        _check_size(len(body) + len(chunk), plan, reservation)
        body += chunk
        chunk = await stream.readany()
    return body


async def _read_compressed(
    stream: ByteStream, plan: BodyPlan, reservation: Reservation, decoder: Decoder
) -> bytearray:
    body = bytearray()
    sent = 0
    yield_at = YIELD_EVERY_BYTES
    while chunk := await stream.readany():
        sent += len(chunk)
        _check_size(sent, plan, reservation)
        for received in decoder.feed(chunk):
            size = len(body) + len(received)
            _check_size(size, plan, reservation, decoder=min(size, decoder.window_bytes))
            body += received
            if len(body) >= yield_at:
                # A large body must not block other requests and health checks.
                await asyncio.sleep(0)
                yield_at = len(body) + YIELD_EVERY_BYTES
    decoder.end()
    return body


def _check_size(size: int, plan: BodyPlan, reservation: Reservation, *, decoder: int = 0) -> None:
    """Reserve *size* bytes of body, and those that the *decoder* keeps of it."""
    if size > plan.limit_bytes:
        raise _too_large("with more", plan.limit_bytes)
    held = size + decoder
    if held > reservation.held_bytes and not reservation.grow_to(held + FIRST_RESERVATION_BYTES):
        raise ApiError(OVERLOADED, "There is no memory for the rest of this body now")


def _too_large(how: str, limit_bytes: int) -> ApiError:
    return ApiError(
        BODY_TOO_LARGE,
        f"The body is too large, {how}; the limit is {limit_bytes:,} bytes, also decompressed",
        details={"limit_bytes": limit_bytes},
    )


def _shown(text: str) -> str:
    return ascii(text[:64])
