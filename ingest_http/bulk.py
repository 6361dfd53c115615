"""The way of a push, top to bottom: key, room, body, check, Kafka, answer.

204 is said only after Kafka acknowledged every valid item of the batch, and every rejected one. If
this process dies before the answer, some of it may be stored; the sender sends the batch again, and
repeats are told by id behind the topics.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import monotonic

from aiohttp import web

import failpoints
from ingest_http.admission import Ticket
from ingest_http.answers import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    BODY_TOO_SLOW,
    FORBIDDEN,
    NOT_READY,
    NOT_STORED,
    OVERLOADED,
    DoorError,
)
from ingest_http.batch import Batch, Dropped, Reading, check, cut
from ingest_http.body import BodyPlan, plan_body, read_body
from ingest_http.door import Door
from ingest_http.keyring import Owner
from ingest_http.publish import Receipt
from ingest_http.rejects import Origin
from ingest_http.replies import empty, json_reply, request_id_of
from ingest_http.report import report_of

PARAMETERS = ("report", "dry_run")
ON = frozenset({"1", "true", "yes"})
OFF = frozenset({"", "0", "false", "no"})
REJECTED_HEADER = "X-Railhead-Rejected"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the query string asks for."""

    report: bool
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of a push before its body: whose it is, and what may come."""

    owner: Owner
    origin: Origin
    plan: BodyPlan
    give_up_at: float


async def push(door: Door, request: web.BaseRequest) -> web.Response:
    """Answer `POST …/fasttrack/bulk`.

    Raises:
        DoorError: any other answer than 204 or a report.
    """
    arrival = _arrival(door, request)
    wishes = _wishes(request)
    ticket = _admit(door, arrival, dry_run=wishes.dry_run)
    batch = await _checked(door, request, (arrival, wishes), ticket)
    if wishes.dry_run or not batch.lots:
        try:
            return _answer(batch, [], arrival.origin, wishes)
        finally:
            ticket.leave()
    failpoints.passing("door.after_validate")
    receipt = door.publisher.submit(batch.take_lots())
    try:
        not_stored = await _acknowledged(door, receipt, arrival.give_up_at)
        door.count(batch, not_stored, arrival.owner.name)
        failpoints.passing("door.before_answer")
        return _answer(batch, not_stored, arrival.origin, wishes)
    finally:
        # Its bytes are in the producer until Kafka answered, however long the sender waits; and a
        # report takes as many again.
        receipt.done.add_done_callback(lambda _: ticket.leave())


def _arrival(door: Door, request: web.BaseRequest) -> Arrival:
    give_up_at = monotonic() + door.settings.request_deadline_seconds
    owner = _owner(door, request.headers)
    plan = plan_body(request.headers, door.settings.max_body_bytes)
    return Arrival(owner, Origin(owner.name, request_id_of(request), _now()), plan, give_up_at)


def _owner(door: Door, headers: Mapping[str, str]) -> Owner:
    owner = door.keyring.owner_of(presented_key(headers))
    if owner is None:
        raise DoorError(FORBIDDEN, "No valid key was sent")
    return owner


def presented_key(headers: Mapping[str, str]) -> str | None:
    """The key in *headers*: `x-api-key`, else `Authorization: Bearer`."""
    key = headers.get("X-Api-Key")
    if key is not None:
        return key.strip()
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _wishes(request: web.BaseRequest) -> Wishes:
    if not request.query_string:
        return Wishes(report=False, dry_run=False)
    asked = {name: _is_on(name, value) for name, value in request.query.items()}
    dry_run = asked.get("dry_run", False)
    return Wishes(report=dry_run or asked.get("report", False), dry_run=dry_run)


def _is_on(name: str, value: str) -> bool:
    """Read one parameter; an unknown one is refused, for a mistyped dry run would be stored.

    Raises:
        DoorError: 400.
    """
    if name not in PARAMETERS or value.lower() not in ON | OFF:
        raise DoorError(
            BAD_REQUEST, f"The query may hold {' and '.join(PARAMETERS)}, each 1 or 0, and no more"
        )
    return value.lower() in ON


def _admit(door: Door, arrival: Arrival, *, dry_run: bool) -> Ticket:
    why_not = None if dry_run else door.why_not_ready()
    if why_not is not None:
        raise DoorError(NOT_READY, f"Nothing could be stored now: {why_not}")
    ticket = door.room.enter(arrival.owner.name, arrival.plan.first_ticket_bytes)
    if ticket is None:
        raise DoorError(OVERLOADED, "Too many bytes of your batches are in work")
    return ticket


async def _checked(
    door: Door, request: web.BaseRequest, asked: tuple[Arrival, Wishes], ticket: Ticket
) -> Batch:
    """Read and check the body; of the body itself nothing outlives this."""
    arrival, wishes = asked
    owner = arrival.owner
    try:
        body = await _body(request, arrival, ticket)
        door.metrics.body_bytes.inc(len(body))
        raws = cut(body, door.settings.max_items)
        reading = Reading(owner.rules, coerce_ids=owner.tenant.coerce_ids, reports=wishes.report)
        hold = partial(_hold, door, ticket, len(body))
        return await check(raws, reading, arrival.origin, hold)
    except BaseException:
        ticket.leave()
        raise


def _hold(door: Door, ticket: Ticket, body_bytes: int, more_bytes: int) -> None:
    """Hold *more_bytes* beside the body.

    Raises:
        DoorError: 413 if they would not fit either when nothing else is held, 503 if not now.
    """
    needed = body_bytes + more_bytes
    if ticket.grow_to(needed):
        return
    most = door.room.most_of_one()
    if needed > most:
        raise DoorError(
            BODY_TOO_LARGE,
            f"The batch and its rejected items take more than {most:,} bytes together",
            details={"limit_bytes": most},
        )
    raise DoorError(OVERLOADED, "There is no room for the rejected items of this batch now")


async def _body(request: web.BaseRequest, arrival: Arrival, ticket: Ticket) -> bytes | bytearray:
    if request.headers.get("Expect", "").lower() == "100-continue":
        # Only now: whoever was refused above has not sent its body.
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    try:
        async with asyncio.timeout(arrival.give_up_at - monotonic()):
            return await read_body(request.content, arrival.plan, ticket)
    except TimeoutError:
        raise DoorError(BODY_TOO_SLOW, "The body did not arrive in time") from None


async def _acknowledged(door: Door, receipt: Receipt, give_up_at: float) -> list[tuple[int, int]]:
    started = monotonic()
    if not receipt.done.done():
        # wait() leaves the future alone, whatever becomes of this request.
        await asyncio.wait({receipt.done}, timeout=max(0.0, give_up_at - started))
    door.metrics.publish_seconds.observe(monotonic() - started)
    return receipt.not_stored()


def _answer(
    batch: Batch, not_stored: list[tuple[int, int]], origin: Origin, wishes: Wishes
) -> web.Response:
    report = (
        report_of(batch, not_stored, request_id=origin.request_id, dry_run=wishes.dry_run)
        if wishes.report
        else {}
    )
    if not_stored:
        raise DoorError(
            NOT_STORED,
            f"{len(not_stored):,} of {batch.size:,} items were not stored",
            details={
                "ids": batch.not_stored_ids(not_stored),
                "positions": batch.positions(not_stored),
                **report,
            },
        )
    response = json_reply(200, report) if wishes.report else empty(204)
    rejected = sum(len(one.positions) for one in batch.groups if isinstance(one, Dropped))
    response.headers[REJECTED_HEADER] = str(rejected)
    return response


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
