"""Two items of one id, field by field."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa

from railhead.dead_letters.differences import Difference, differences, readable


def test_values_read_exactly() -> None:
    """All digits of amounts; times in UTC to the nanosecond; null is none."""
    rows = pa.table(
        {
            "amount": pa.array([Decimal("0.500000000000000001"), None], pa.decimal128(38, 18)),
            "at": pa.array([1_768_478_400_000_000_001, 1_768_478_400_125_000_000], pa.int64()).cast(
                pa.timestamp("ns", "UTC")
            ),
            "flag": pa.array([True, False]),
            "text": pa.array(["a", ""]),
        }
    )

    assert list(readable(rows)) == [
        {
            "amount": "0.500000000000000001",
            "at": "2026-01-15T12:00:00.000000001Z",
            "flag": "true",
            "text": "a",
        },
        {"amount": None, "at": "2026-01-15T12:00:00.125Z", "flag": "false", "text": ""},
    ]


def test_times_before_1970_are_read_correctly() -> None:
    """Nanoseconds count forward from the second before."""
    rows = pa.table({"at": pa.array([-1], pa.int64()).cast(pa.timestamp("ns", "UTC"))})

    assert list(readable(rows)) == [{"at": "1969-12-31T23:59:59.999999999Z"}]


def test_only_fields_that_differ_are_reported() -> None:
    """Kept JSON differs by what it says, not by how it is written."""
    first = {"amount": "1", "bets": '[{"odds": 1.0, "a": null}]', "status": None, "type": "x"}
    later = {"amount": "2", "bets": '[{"a":null,"odds":1.00}]', "status": "", "type": "x"}

    assert differences(first, later) == [
        Difference("amount", "1", "2"),
        Difference("status", None, ""),
    ]
