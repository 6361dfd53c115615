"""Checks whether the ingest API, or a process that has health pages, could work now."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from railhead.doctor.checks import ANSWER_SECONDS
from railhead.doctor.finding import DoctorFinding, fail, ok
from railhead.doctor.target import Target

API_TIMEOUT: Final = ClientTimeout(total=ANSWER_SECONDS)
READY: Final = "/health/ready"


async def api(target: Target) -> DoctorFinding:
    """Ask the ingest API whether it could durably accept a request now."""
    url = target.api_url
    try:
        reasons = await not_ready(url)
    except (ClientError, TimeoutError, ValueError) as error:
        return fail(
            "door",
            f"{target.api} does not answer: {reason(error)}",
            target.advisor.about(target.api),
        )
    if reasons is None:
        return ok("door", f"{url} could store a request now")
    return fail("door", f"{url} is not ready: {reasons}", "See the reasons it gives.")


async def not_ready(url: str) -> str | None:
    """Why the process at *url* is not ready, by its own words; None if it is.

    Raises:
        ClientError, TimeoutError, ValueError: it does not answer, or not as ours do.
    """
    async with (
        ClientSession(timeout=API_TIMEOUT) as session,
        session.get(f"{url}{READY}") as answer,
    ):
        return None if answer.status == 200 else _reasons(await answer.json(content_type=None))


def reason(error: Exception) -> str:
    """Why there was no answer; running out of time has no text of its own."""
    return str(error) or f"{API_TIMEOUT.total:g} s have passed"


def _reasons(body: Any) -> str:
    if not isinstance(body, dict):
        return "another program listens there"
    reasons = body.get("reasons") or [body.get("reason") or "another program listens there"]
    return "; ".join(map(str, reasons))
