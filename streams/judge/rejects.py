"""Builds what is kept of refused and conflicting records: dead letters and conflict rows."""

from __future__ import annotations

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
        "report": report_of_record(
            fetched.partition.topic,
            fetched.incarnation,
            fetched.partition.number,
            int(fetched.offsets[at]),
            int(fetched.appended_ms[at]),
        ),
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
    return pa.RecordBatch.from_pydict(
        {
            "tenant": columns["tenant"],
            "event": pa.array([valid.type.name] * len(rows)),
            "id": pa.array([valid.ids[row] for row in rows.tolist()], pa.string()),
            "topic": columns["_topic"],
            "incarnation": columns["_incarnation"],
            "partition": columns["_partition"],
            "offset": columns["_offset"],
            "first_incarnation": pa.array(
                [decision.incarnations[at] for at in decision.first_incarnations[rows].tolist()]
            ),
            # The dedup index is of one partition.
            "first_partition": columns["_partition"],
            "first_offset": pa.array(decision.first_offsets[rows]),
            "raw": pa.array([fetched.values[at] for at in positions], pa.binary()).cast(
                pa.string()
            ),
            "request_id": columns["request_id"],
            "received_at": columns["received_at"],
            "_appended_at": columns["_appended_at"],
        }
    )
