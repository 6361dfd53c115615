"""Builds what is kept of refused and conflicting records: dead letters and conflict rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from events.check.result import CheckedType, Rejection
from events.contract.dead_letters import dead_letter, report_of_record
from events.values.instants import utc_text
from streams.fetch.fetched_batch import FetchedBatch
from streams.judge.outcomes import Decision
from streams.judge.rows import Origin, origin_columns


class RejectedRecord(NamedTuple):
    """A record for the topic `fasttrack.rejected`."""

    key: bytes
    value: bytes
    reason: str


def reject_of(fetched: FetchedBatch, origin: Origin, rejection: Rejection) -> RejectedRecord:
    """The dead letter of the record at `rejection.position` of *fetched*, with its coordinate."""
    at = rejection.position
    run = origin.runs[int(origin.run[at])]
    tenant = run.tenant or ""
    fields = {
        "tenant": tenant,
        "event": rejection.event,
        "reason": rejection.reason,
        "field": rejection.field,
        "message": rejection.message,
        "request_id": run.request_id,
        "position": None,
        "topic": fetched.partition.topic,
        "partition": fetched.partition.number,
        "offset": int(fetched.offsets[at]),
        "received_at": utc_text(datetime.fromtimestamp(int(origin.received_ms[at]) / 1000, UTC)),
        "incarnation": fetched.incarnation,
        "report": report_at(fetched, at),
    }
    return RejectedRecord(
        tenant.encode(), dead_letter(fields, fetched.values[at]), rejection.reason
    )


def conflict_rows(
    fetched: FetchedBatch,
    valid: CheckedType,
    origin: Origin,
    rows: npt.NDArray[np.int64],
    decision: Decision,
) -> pa.RecordBatch | None:
    """Rows of the table `conflicts`: same id, other content than its first occurrence."""
    if not len(rows):
        return None
    picked = origin.take(rows)
    positions = [valid.positions[row] for row in rows.tolist()]
    columns = origin_columns(picked)
    columns["_id"] = pa.array([valid.ids[row] for row in rows.tolist()], pa.string())
    first = {
        "incarnation": pa.array(
            [decision.incarnations[at] for at in decision.first_incarnations[rows].tolist()]
        ),
        # The dedup index is of one partition.
        "partition": columns["_partition"],
        "offset": pa.array(decision.first_offsets[rows]),
    }
    return conflict_batch(columns, first, valid.type.name, [fetched.values[at] for at in positions])


def conflict_batch(
    rows: Mapping[str, pa.Array] | pa.RecordBatch,
    first: Mapping[str, pa.Array],
    event: str,
    raw: Sequence[bytes | None],
) -> pa.RecordBatch:
    """The later records as *rows* of their own table, each with the coordinate of the *first*."""
    return pa.RecordBatch.from_pydict(
        {
            "tenant": rows["tenant"],
            "event": pa.array([event] * len(raw)),
            "id": rows["_id"],
            **{name: rows[f"_{name}"] for name in ("topic", "incarnation", "partition", "offset")},
            **{f"first_{name}": column for name, column in first.items()},
            "raw": pa.array(raw, pa.binary()).cast(pa.string()),
            **{name: rows[name] for name in ("request_id", "received_at", "_appended_at")},
        }
    )


def report_at(fetched: FetchedBatch, at: int) -> str:
    """The number of the refusal of the record at position *at*: its own coordinate."""
    return report_of_record(
        fetched.partition.topic,
        fetched.incarnation,
        fetched.partition.number,
        int(fetched.offsets[at]),
        int(fetched.appended_ms[at]),
    )
