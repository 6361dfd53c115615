"""Health: whether the process is alive, and whether it could durably store a batch now.

`live` says that the event loop runs: restart the process if it does not answer. `ready` says that a
batch sent now would be stored: send no requests while it does not, but do not restart for it.
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

    Kafka is checked once a second in the background, so a request costs nothing.
    """
    del request
    reasons = not_ready_reasons(api)
    headers = {"Cache-Control": "no-store"}
    return json_reply(503 if reasons else 200, {"ready": not reasons, "reasons": reasons}, headers)


def not_ready_reasons(api: IngestApi) -> list[str]:
    """Everything that keeps *api* from storing durably."""
    kafka = api.why_not_ready()
    admission = api.admission
    full = admission.used_bytes > 0.9 * admission.size_bytes
    return [
        reason
        for reason in (
            "this process is shutting down" if api.draining else None,
            kafka and f"Kafka: {kafka}",
            f"{admission.used_bytes:,} of {admission.size_bytes:,} bytes are in flight"
            if full
            else None,
        )
        if reason
    ]
