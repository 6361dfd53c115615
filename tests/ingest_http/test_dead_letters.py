"""The name of a rejected item: made by us, never from what a client sends."""

from __future__ import annotations

import msgspec
import orjson
import pytest

from events.check.result import Rejection
from ingest_http.dead_letters import RequestOrigin, reject_records


def reports(origin: RequestOrigin, items: int) -> list[str]:
    """The names of refusals of one request."""
    rejections = [
        Rejection(at, "realtime-login", "missing", "data.user_id", "is missing")
        for at in range(items)
    ]
    values = reject_records(rejections, [msgspec.Raw(b"{}")] * items, 0, origin)
    return [orjson.loads(value)["report"] for value in values]


@pytest.mark.parametrize("request_id", ["", "the-same", "0:0", "x" * 128])
def test_requests_that_share_an_id_have_reports_of_their_own(request_id: str) -> None:
    """A client may send the same `X-Request-Id` every time."""
    names = [
        name
        for _ in range(3)
        for name in reports(RequestOrigin("acme", request_id, "2026-01-01T00:00:00.000Z"), items=2)
    ]

    assert len(set(names)) == len(names)


def test_a_report_made_twice_has_the_same_name() -> None:
    """The producer may send a record twice."""
    origin = RequestOrigin("acme", "r", "2026-01-01T00:00:00.000Z")

    assert reports(origin, items=3) == reports(origin, items=3)
