"""Handles a bulk request, step by step: key, admission, body, check, Kafka, answer.

It answers 204 only after Kafka acknowledged every valid item of the batch, and every rejected one.
If this process dies before the answer, some of it may be stored; the client sends the batch again,
and the workers recognise repeats by id.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import monotonic

from aiohttp import web

import failpoints
from events.values.instants import utc_text
from ingest_http.answers import (
    BODY_TOO_LARGE,
    BODY_TOO_SLOW,
    FORBIDDEN,
    NOT_READY,
    NOT_STORED,
    OVERLOADED,
    PARAMETER,
    ApiError,
)
from ingest_http.api import IngestApi
from ingest_http.batch import CheckedBatch, CheckOptions, RejectedItems, check, split_items
from ingest_http.body.admission import Reservation
from ingest_http.body.body import BodyPlan, plan_body, read_body
from ingest_http.dead_letters import RequestOrigin
from ingest_http.http.replies import empty, json_reply, request_id_of
from ingest_http.keyring import Owner
from ingest_http.publish.publisher import Delivery
from ingest_http.report import report_of

PARAMETERS = ("report", "dry_run")
ON = frozenset({"1", "true", "yes"})
OFF = frozenset({"", "0", "false", "no"})
# Keys and payloads look otherwise, and are not repeated in an answer.
PARAMETER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,23}")
REJECTED_HEADER = "X-Railhead-Rejected"


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What the query string asks for."""

    report: bool
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of a request before its body: its tenant, and how large the body may be."""

    owner: Owner
    origin: RequestOrigin
    plan: BodyPlan
    give_up_at: float


async def post_items(api: IngestApi, request: web.BaseRequest) -> web.Response:
    """Answer `POST …/fasttrack/bulk`.

    Raises:
        ApiError: any other answer than 204 or a report.
    """
    arrival = _arrival(api, request)
    request_options = _request_options(request)
    reservation = _admit(api, arrival, dry_run=request_options.dry_run)
    batch = await _checked(api, request, (arrival, request_options), reservation)
    if request_options.dry_run or not batch.record_groups:
        try:
            return _answer(batch, [], arrival.origin, request_options)
        finally:
            reservation.leave()
    failpoints.passing("door.after_validate")
    delivery = api.publisher.submit(batch.take_groups())
    try:
        not_stored = await _acknowledged(api, delivery, arrival.give_up_at)
        api.count(batch, not_stored, arrival.owner.name)
        failpoints.passing("door.before_answer")
        return _answer(batch, not_stored, arrival.origin, request_options)
    finally:
        # Its bytes are in the producer until Kafka answers, however long the client waits; and a
        # report takes as many again.
        delivery.done.add_done_callback(lambda _: reservation.leave())


def _arrival(api: IngestApi, request: web.BaseRequest) -> Arrival:
    give_up_at = monotonic() + api.settings.request_deadline_seconds
    owner = _owner(api, request.headers)
    plan = plan_body(request.headers, api.settings.max_body_bytes)
    received_at = utc_text(datetime.now(UTC))
    origin = RequestOrigin(owner.name, request_id_of(request), received_at)
    return Arrival(owner, origin, plan, give_up_at)


def _owner(api: IngestApi, headers: Mapping[str, str]) -> Owner:
    owner = api.keyring.owner_of(presented_key(headers))
    if owner is None:
        raise ApiError(FORBIDDEN, "No valid key was sent")
    return owner


def presented_key(headers: Mapping[str, str]) -> str | None:
    """The key in *headers*: `x-api-key`, else `Authorization: Bearer`."""
    key = headers.get("X-Api-Key")
    if key is not None:
        return key.strip()
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _request_options(request: web.BaseRequest) -> RequestOptions:
    if not request.query_string:
        return RequestOptions(report=False, dry_run=False)
    asked = {name: _is_on(name, value) for name, value in request.query.items()}
    dry_run = asked.get("dry_run", False)
    return RequestOptions(report=dry_run or asked.get("report", False), dry_run=dry_run)


def _is_on(name: str, value: str) -> bool:
    """Read one parameter; an unknown one is refused, because a mistyped dry run would be stored.

    Raises:
        ApiError: 400.
    """
    if name not in PARAMETERS:
        shown = f" {name}" if PARAMETER_NAME.fullmatch(name) else " with such a name"
        raise ApiError(PARAMETER, f"There is no parameter{shown}")
    if value.lower() not in ON | OFF:
        raise ApiError(PARAMETER, f"The parameter {name} is neither 1 nor 0")
    return value.lower() in ON


def _admit(api: IngestApi, arrival: Arrival, *, dry_run: bool) -> Reservation:
    why_not = None if dry_run else api.why_not_ready()
    if why_not is not None:
        raise ApiError(NOT_READY, f"Nothing could be stored now: {why_not}")
    reservation = api.admission.enter(arrival.owner.name, arrival.plan.first_reservation_bytes)
    if reservation is None:
        raise ApiError(OVERLOADED, "Too many bytes of your batches are in flight")
    return reservation


async def _checked(
    api: IngestApi,
    request: web.BaseRequest,
    asked: tuple[Arrival, RequestOptions],
    reservation: Reservation,
) -> CheckedBatch:
    """Read and check the body; the body itself is freed at the end."""
    arrival, request_options = asked
    owner = arrival.owner
    try:
        body = await _body(request, arrival, reservation)
        api.metrics.body_bytes.inc(len(body))
        raws = split_items(body, api.settings.max_items)
        check_options = CheckOptions(
            owner.rules, coerce_ids=owner.tenant.coerce_ids, reports=request_options.report
        )
        hold = partial(_hold, api, reservation, len(body))
        return await check(raws, check_options, arrival.origin, hold)
    except BaseException:
        reservation.leave()
        raise


def _hold(api: IngestApi, reservation: Reservation, body_bytes: int, more_bytes: int) -> None:
    """Reserve *more_bytes* besides the body.

    Raises:
        ApiError: 413 if they could never be reserved, 503 if they cannot be now.
    """
    needed = body_bytes + more_bytes
    if reservation.grow_to(needed):
        return
    most = api.admission.most_of_one()
    if needed > most:
        raise ApiError(
            BODY_TOO_LARGE,
            f"The batch and its rejected items take more than {most:,} bytes together",
            details={"limit_bytes": most},
        )
    raise ApiError(OVERLOADED, "There is no memory for the rejected items of this batch now")


async def _body(
    request: web.BaseRequest, arrival: Arrival, reservation: Reservation
) -> bytes | bytearray:
    if request.headers.get("Expect", "").lower() == "100-continue":
        # Only now, so that a client that is refused above does not send its body.
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    try:
        async with asyncio.timeout(arrival.give_up_at - monotonic()):
            return await read_body(request.content, arrival.plan, reservation)
    except TimeoutError:
        raise ApiError(BODY_TOO_SLOW, "The body did not arrive in time") from None


async def _acknowledged(
    api: IngestApi, delivery: Delivery, give_up_at: float
) -> list[tuple[int, int]]:
    started = monotonic()
    if not delivery.done.done():
        # wait() does not cancel the future, even if this request is cancelled.
        await asyncio.wait({delivery.done}, timeout=max(0.0, give_up_at - started))
    api.metrics.publish_seconds.observe(monotonic() - started)
    return delivery.not_stored()


def _answer(
    batch: CheckedBatch,
    not_stored: list[tuple[int, int]],
    origin: RequestOrigin,
    request_options: RequestOptions,
) -> web.Response:
    report = (
        report_of(batch, not_stored, request_id=origin.request_id, dry_run=request_options.dry_run)
        if request_options.report
        else {}
    )
    if not_stored:
        raise ApiError(
            NOT_STORED,
            f"{len(not_stored):,} of {batch.size:,} items were not stored",
            details={
                "ids": batch.not_stored_ids(not_stored),
                "positions": batch.positions(not_stored),
                **report,
            },
        )
    response = json_reply(200, report) if request_options.report else empty(204)
    rejected = sum(len(one.positions) for one in batch.groups if isinstance(one, RejectedItems))
    response.headers[REJECTED_HEADER] = str(rejected)
    return response
