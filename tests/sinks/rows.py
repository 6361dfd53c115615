"""Rows for the tests, made as the worker makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

MS = pa.timestamp("ms", "UTC")
NS = pa.timestamp("ns", "UTC")
APPENDED_MS = 1_767_312_000_000  # 2026-01-02T00:00:00Z
TOPIC = "fasttrack.realtime-login"


def origin(
    tenant: str,
    ids: Sequence[str],
    offsets: Sequence[int],
    *,
    appended_ms: int = APPENDED_MS,
    partition: int = 0,
    topic: str = TOPIC,
) -> dict[str, pa.Array]:
    """The columns every event table has."""
    count = len(ids)
    times = pa.array([appended_ms] * count, pa.int64()).cast(MS)
    return {
        "tenant": pa.array([tenant] * count, pa.string()).dictionary_encode(),
        "_id": pa.array(ids, pa.string()),
        "received_at": times,
        "request_id": pa.array(["r"] * count, pa.string()),
        "_topic": pa.array([topic] * count, pa.string()).dictionary_encode(),
        "_partition": pa.array([partition] * count, pa.int32()),
        "_offset": pa.array(offsets, pa.int64()),
        "_appended_at": times,
    }


def logins(tenant: str, ids: Sequence[str], offsets: Sequence[int], **where: Any) -> pa.Table:
    """Rows of the table `login`."""
    count = len(ids)
    return pa.table(
        {
            **origin(tenant, ids, offsets, **where),
            "user_id": pa.array(["u"] * count, pa.string()),
            "timestamp": pa.array([0] * count, pa.int64()).cast(NS),
            "entry_timestamp": pa.nulls(count, NS),
            "process_timestamp": pa.nulls(count, NS),
            "unique_id": pa.array(ids, pa.string()),
        }
    )


def conflict(tenant: str, offset: int, *, raw: str = "{}") -> pa.Table:
    """A row of the table `conflicts`."""
    time = pa.array([APPENDED_MS]).cast(MS)
    return pa.table(
        {
            "tenant": [tenant], "event": ["realtime-login"], "id": ["x"], "topic": [TOPIC],
            "partition": pa.array([3], pa.int32()), "offset": [offset], "first_offset": [1],
            "raw": [raw], "request_id": ["r"], "received_at": time, "_appended_at": time,
        }
    )  # fmt: skip


def rejected(tenant: str, report_offset: int, **given: Any) -> pa.Table:
    """A row of the table `rejected`."""
    time = pa.array([APPENDED_MS]).cast(MS)
    row: Mapping[str, Any] = {"position": None, "topic": "", "partition": None, "offset": None}
    row = {**row, **given}
    return pa.table(
        {
            "tenant": [tenant], "event": ["realtime-login"], "reason": ["missing"],
            "field": ["data.user_id"], "message": ["is missing"], "raw": ["{}"],
            "request_id": ["r"], "position": pa.array([row["position"]], pa.int64()),
            "topic": [row["topic"]], "partition": pa.array([row["partition"]], pa.int32()),
            "offset": pa.array([row["offset"]], pa.int64()), "received_at": time,
            "_topic": ["fasttrack.rejected"], "_partition": pa.array([0], pa.int32()),
            "_offset": [report_offset], "_appended_at": time,
        }
    )  # fmt: skip
