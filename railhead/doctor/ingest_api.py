"""Checks whether the ingest API could durably accept a request now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from railhead.doctor.finding import DoctorFinding, fail, ok
from railhead.doctor.target import START
from railhead.stack.addresses import Address

API_TIMEOUT: Final = ClientTimeout(total=5)


async def api(url: str, address: Address) -> Iterator[DoctorFinding]:
    """Ask the ingest API whether it could durably accept a request now."""
    try:
        async with (
            ClientSession(timeout=API_TIMEOUT) as session,
            session.get(f"{url}/health/ready") as answer,
        ):
            status, body = answer.status, await answer.json(content_type=None)
    except (ClientError, TimeoutError, ValueError) as error:
        return iter([fail("door", f"{address}: {error or 'no answer'}", START)])
    if status == 200:
        return iter([ok("door", f"{url} could store a request now")])
    return iter(
        [fail("door", f"{url} is not ready: {_reasons(body)}", "See the reasons it gives.")]
    )


def _reasons(body: Any) -> str:
    reasons = body.get("reasons") if isinstance(body, dict) else None
    return "; ".join(map(str, reasons)) if reasons else "another program listens there"
