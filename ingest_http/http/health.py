"""Is the door alive, and could it durably accept a push now? Two questions, never one answer.

`live` says that the event loop turns: restart the process if it does not answer. `ready` says that
a push sent now would be stored: keep traffic away while it does not, but do not restart for it.
"""

from __future__ import annotations

from aiohttp import web

from ingest_http.api import IngestApi
from ingest_http.http.replies import json_reply


async def live(api: IngestApi, request: web.BaseRequest) -> web.Response:
    """Answer `GET /health/live`."""
    del api, request
    return json_reply(200, {"live": True})


async def ready(api: IngestApi, request: web.BaseRequest) -> web.Response:
    """Answer `GET /health/ready`: 200, or 503 with every reason.

    Kafka is looked at once a second in the background, so that asking costs nothing.
    """
    del request
    reasons = not_ready_reasons(api)
    headers = {"Cache-Control": "no-store"}
    return json_reply(503 if reasons else 200, {"ready": not reasons, "reasons": reasons}, headers)


def not_ready_reasons(api: IngestApi) -> list[str]:
    """Everything that keeps *door* from durably accepting."""
    kafka = api.why_not_ready()
    admission = api.admission
    full = admission.used_bytes > 0.9 * admission.size_bytes
    return [
        reason
        for reason in (
            "this door is shutting down" if api.draining else None,
            kafka and f"Kafka: {kafka}",
            f"{admission.used_bytes:,} of {admission.size_bytes:,} bytes are in flight"
            if full
            else None,
        )
        if reason
    ]
