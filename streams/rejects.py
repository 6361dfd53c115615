"""How is a refused or conflicting record kept? As a dead letter, or as a conflict."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from events.dead_letters import letter, report_of_record
from events.result import CheckedType, Rejection
from streams.fates import Verdict
from streams.rows import Origin, origin_columns
from streams.slices import Slice


class Reject(NamedTuple):
    """A record for the topic `fasttrack.rejected`."""

    key: bytes
    value: bytes
    reason: str


def reject_of(piece: Slice, origin: Origin, rejection: Rejection) -> Reject:
    """The dead letter of the record at `rejection.position` of *piece*, with its coordinate."""
    at = rejection.position
    run = origin.runs[int(origin.run[at])]
    tenant = run.tenant or ""
    told = {
        "tenant": tenant,
        "event": rejection.event,
        "reason": rejection.reason,
        "field": rejection.field,
        "message": rejection.message,
        "request_id": run.request_id,
        "position": None,
        "topic": piece.partition.topic,
        "partition": piece.partition.number,
        "offset": int(piece.offsets[at]),
        "received_at": instant(int(origin.received_ms[at])),
        "incarnation": piece.incarnation,
        "report": report_of_record(
            piece.partition.topic,
            piece.incarnation,
            piece.partition.number,
            int(piece.offsets[at]),
            int(piece.appended_ms[at]),
        ),
    }
    return Reject(tenant.encode(), letter(told, piece.values[at]), rejection.reason)


def instant(milliseconds: int) -> str:
    """RFC 3339 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def conflict_rows(
    piece: Slice,
    valid: CheckedType,
    origin: Origin,
    rows: npt.NDArray[np.int64],
    verdict: Verdict,
) -> pa.RecordBatch | None:
    """Rows of the table `conflicts`: same id, other content than where *verdict* saw it first."""
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
                [verdict.incarnations[at] for at in verdict.first_incarnations[rows].tolist()]
            ),
            "first_offset": pa.array(verdict.first_offsets[rows]),
            "raw": pa.array([piece.values[at] for at in positions], pa.binary()).cast(pa.string()),
            "request_id": columns["request_id"],
            "received_at": columns["received_at"],
            "_appended_at": columns["_appended_at"],
        }
    )
