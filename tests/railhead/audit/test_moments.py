"""The moments operators write, and an ingest API's page of counters."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from railhead.audit.api_counters import sum_apis, sum_items
from railhead.audit.moments import milliseconds, parse_moment

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", datetime(2026, 1, 31, 10, 30, tzinfo=UTC)),
        ("2h", datetime(2026, 1, 31, 10, 0, tzinfo=UTC)),
        ("7d", datetime(2026, 1, 24, 12, 0, tzinfo=UTC)),
        ("2026-01-30", datetime(2026, 1, 30, tzinfo=UTC)),
        ("2026-01-30T18:00:00+02:00", datetime(2026, 1, 30, 16, 0, tzinfo=UTC)),
        ("2026-01-30T18:00:00Z", datetime(2026, 1, 30, 18, 0, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_time_ago_a_day_or_an_instant(text: str, expected: datetime) -> None:
    """Without an offset it is UTC."""
    assert parse_moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "5", "2h ago", "2026-02-30", "999999w"])
def test_anything_else_is_refused_with_what_to_give(text: str) -> None:
    """The message shows the forms."""
    with pytest.raises(ValueError, match="give 90m"):
        parse_moment(text, NOW)


def test_no_moment_is_the_beginning() -> None:
    """0 stands for all that there is."""
    assert milliseconds(None) == 0
    assert milliseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1000


def test_api_counters_are_added_up_by_outcome() -> None:
    """Over tenants, events and APIs; other metrics are ignored."""
    page = (
        "# TYPE railhead_door_items_total counter\n"
        'railhead_door_items_total{tenant="a",event="x",fate="stored"} 5.0\n'
        'railhead_door_items_total{tenant="b",event="x",fate="stored"} 2.0\n'
        'railhead_door_items_total{tenant="b",event="x",fate="rejected"} 1.0\n'
        'railhead_door_rejected_items_total{tenant="b",event="x",reason="r"} 1.0\n'
    )

    counted = sum_items(page)

    assert counted == {"stored": 7, "rejected": 1}
    assert sum_apis([counted, counted]) == {"stored": 14, "rejected": 2}
