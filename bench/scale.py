"""Computes what a billion events a day would need, from the measured cost of an event."""

from __future__ import annotations

import math
from typing import Any, Final

from bench.results import markdown_table, shown

# Processes are planned at this share of a core: the rest is for a peak within the second, and for
# a lost process.
PLANNED_SHARE: Final = 0.6
DAY_SECONDS: Final = 86_400
A_BILLION: Final = 1_000_000_000
PEAK: Final = 4
DAYS_KEPT: Final = 7
COPIES: Final = 3
IDS_A_PARTITION: Final = 10_000_000

LOADS: Final = (
    ("a billion a day, on average", A_BILLION / DAY_SECONDS),
    (f"a billion a day, evening peak of {PEAK}×", PEAK * A_BILLION / DAY_SECONDS),  # noqa: RUF001
    ("100,000 a second, all day", 100_000.0),
)
PARTS: Final = (
    ("door", "door-1", "ingest API processes"),
    ("worker", "worker-1", "workers"),
    ("kafka", "kafka", "cores of brokers, one copy"),
    ("clickhouse", "clickhouse", "cores of ClickHouse, one replica"),
)


def scale_tables(whole: dict[str, Any]) -> str:
    """Cores by load and part, then ids and bytes."""
    result = next(one for one in whole["results"] if _is_heavy(one))
    costs = {name: result["processes"][process]["cpu_us_per_event"] for name, process, _ in PARTS}
    head = ["part", "CPU µs/event", *(f"{name} ({rate:,.0f}/s)" for name, rate in LOADS)]
    rows = []
    for name, _, unit in PARTS:
        needs = (math.ceil(rate * costs[name] / 1e6 / PLANNED_SHARE) for _, rate in LOADS)
        rows.append([unit, shown(costs[name]), *(str(need) for need in needs)])
    return f"{markdown_table(head, rows)}\n\n{_memory(whole)}"


def _memory(whole: dict[str, Any]) -> str:
    """Ids and bytes to keep; both grow with the number of events, not with their rate."""
    each = _bytes_an_id(whole)
    item = next(
        one["detail"]["mean_item_bytes"]
        for one in whole["results"]
        if "mean_item_bytes" in one["detail"]
    )
    a_day = [A_BILLION, A_BILLION, LOADS[2][1] * DAY_SECONDS]
    head = ["kept", "each", *(name for name, _ in LOADS)]
    rows = [
        ["ids of a day, GB in all workers", f"{each:.0f} B", *(_gb(n * each) for n in a_day)],
        [
            f"ids of {DAYS_KEPT} days, GB in all workers",
            f"{each:.0f} B",
            *(_gb(n * each * DAYS_KEPT) for n in a_day),
        ],
        [
            f"partitions for at most {IDS_A_PARTITION // 1_000_000} million ids of a day in each",
            "",
            *(str(math.ceil(n / IDS_A_PARTITION)) for n in a_day),
        ],
        [
            f"Kafka, {DAYS_KEPT} days, {COPIES} copies, before compression, TB",
            f"{item:.0f} B",
            *(shown(n * item * DAYS_KEPT * COPIES / 1e12) for n in a_day),
        ],
    ]
    return markdown_table(head, rows)


def _bytes_an_id(whole: dict[str, Any]) -> float:
    """Memory an id of a whole worker process, where most were remembered."""
    found: list[float] = [
        metric["value"]
        for result in whole["results"]
        for metric in result["metrics"]
        if metric["name"] == "worker's peak memory"
    ]
    return found[-1]


def _is_heavy(result: dict[str, Any]) -> bool:
    return "held for" in str(result["name"]) and not result["failed"]


def _gb(size_bytes: float) -> str:
    return shown(size_bytes / 1e9)
