"""Rows for the tests, made as the worker makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from events.check.check import check_records
from events.contract.registry import BY_NAME

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


AMOUNT = pa.decimal128(38, 18)
SPORTS_BET: dict[str, tuple[pa.DataType, Any]] = {
    "timestamp": (NS, 0),
    "entry_timestamp": (NS, None),
    "process_timestamp": (NS, None),
    "activity_id_reference": (pa.string(), ""),
    "amount": (AMOUNT, Decimal(0)),
    "bet_type": (pa.string(), "Single"),
    "odds": (AMOUNT, None),
    "total_odds": (AMOUNT, None),
    "bets": (pa.string(), None),
    "bonus_wager_amount": (AMOUNT, Decimal(0)),
    "currency": (pa.string(), "EUR"),
    "is_cashout": (pa.bool_(), False),
    "status": (pa.string(), "Approved"),
    "type": (pa.string(), "Bet"),
}
CASINO: dict[str, tuple[pa.DataType, Any]] = {
    "timestamp": (NS, 0),
    "entry_timestamp": (NS, None),
    "process_timestamp": (NS, None),
    "game_id": (pa.string(), "g"),
    "round_id": (pa.string(), "r"),
    "type": (pa.string(), "bet"),
    "amount": (AMOUNT, Decimal(0)),
    "currency": (pa.string(), "EUR"),
    "bonus_wager_amount": (AMOUNT, Decimal(0)),
}
PAYMENT: dict[str, tuple[pa.DataType, Any]] = {
    "timestamp": (NS, 0),
    "entry_timestamp": (NS, None),
    "process_timestamp": (NS, None),
    "type": (pa.string(), "credit"),
    "status": (pa.string(), "approved"),
    "amount": (AMOUNT, Decimal(0)),
    "currency": (pa.string(), "EUR"),
    "base_amount": (AMOUNT, Decimal(0)),
    "vendor_name": (pa.string(), "Card"),
}
GAMEROUND: dict[str, tuple[pa.DataType, Any]] = {
    "timestamp": (NS, 0),
    "entry_timestamp": (NS, None),
    "process_timestamp": (NS, None),
    "game_id": (pa.string(), "g"),
    "user_currency": (pa.string(), "EUR"),
    "meta_reporting_currency": (pa.string(), None),
    **{
        f"{part}_{unit}": (AMOUNT, Decimal(0))
        for part, unit in (
            ("bonus_bet", "user"), ("total_bet", "user"), ("total_bet", "base"),
            ("bonus_win", "user"), ("total_win", "user"), ("total_win", "base"),
        )
    },
}  # fmt: skip


def events(
    tenant: str,
    id_field: str,
    columns: Mapping[str, tuple[pa.DataType, Any]],
    given: Sequence[Mapping[str, Any]],
) -> pa.Table:
    """Rows of an event table: *given* values, else the column's usual one; ids count from 0."""
    ids = [str(number) for number in range(len(given))]
    users = [row.get("user_id", number) for number, row in zip(ids, given, strict=True)]
    return pa.table(
        {
            **origin(tenant, ids, range(len(ids))),
            "user_id": pa.array(users, pa.string()),
            id_field: pa.array(ids, pa.string()),
            **{
                name: _array([row.get(name, usual) for row in given], kind)
                for name, (kind, usual) in columns.items()
            },
        }
    )


def sports_bets(tenant: str, given: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of the table `sports_bet`."""
    return events(tenant, "activity_id", SPORTS_BET, given)


def slips(tenant: str, bets: Sequence[str | None]) -> pa.Table:
    """Rows of the table `sports_bet` as a worker writes them: *bets* were read by the check."""
    raws = [_slip(str(number), text) for number, text in enumerate(bets)]
    checked = check_records(BY_NAME["realtime-sports-bet"], raws)
    assert not checked.rejected, checked.rejected
    (one,) = checked.accepted
    made = origin(tenant, one.ids, one.positions)
    return pa.table({**made, **one.columns(), **one.lists()})


def _slip(number: str, bets: str | None) -> bytes:
    sent_bets = "" if bets is None else f'"bets": {bets},'
    return (
        f'{{{sent_bets} "activity_id": "{number}", "activity_id_reference": "", "amount": 10.5,'
        '"bet_type": "Multi", "bonus_wager_amount": 0, "currency": "EUR", "status": "Approved",'
        '"timestamp": "2025-01-15T12:00:00Z", "type": "Bet", "user_id": "u"}'
    ).encode()


def casinos(tenant: str, given: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of the table `casino`."""
    return events(tenant, "unique_id", CASINO, given)


def payments(tenant: str, given: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of the table `payment`."""
    return events(tenant, "payment_id", PAYMENT, given)


def gamerounds(tenant: str, given: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of the table `gameround`."""
    return events(tenant, "unique_id", GAMEROUND, given)


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    """The values as *kind*; instants are given in nanoseconds since 1970."""
    return pa.array(values, pa.int64()).cast(kind) if kind == NS else pa.array(values, kind)


def conflict(
    tenant: str, offset: int, *, raw: str = "{}", incarnation: str = "one", at_ms: int = APPENDED_MS
) -> pa.Table:
    """A row of the table `conflicts`."""
    time = pa.array([at_ms]).cast(MS)
    return pa.table(
        {
            "tenant": [tenant], "event": ["realtime-login"], "id": ["x"], "topic": [TOPIC],
            "incarnation": [incarnation],
            "partition": pa.array([3], pa.int32()), "offset": [offset], "first_offset": [1],
            "raw": [raw], "request_id": ["r"], "received_at": time, "_appended_at": time,
        }
    )  # fmt: skip


def rejected(tenant: str, report_offset: int, **given: Any) -> pa.Table:
    """A row of the table `rejected`."""
    row: Mapping[str, Any] = {
        "event": "realtime-login", "reason": "missing", "field": "data.user_id",
        "message": "is missing", "raw": "{}", "request_id": "r", "position": None, "topic": "",
        "partition": None, "offset": None, "received_ms": APPENDED_MS,
        "report": f"number-{report_offset}:0",
    }  # fmt: skip
    row = {**row, **given}
    time = pa.array([row["received_ms"]]).cast(MS)
    return pa.table(
        {
            "tenant": [tenant], "event": [row["event"]], "reason": [row["reason"]],
            "field": [row["field"]], "message": [row["message"]], "raw": [row["raw"]],
            "request_id": [row["request_id"]], "position": pa.array([row["position"]], pa.int64()),
            "topic": [row["topic"]], "partition": pa.array([row["partition"]], pa.int32()),
            "offset": pa.array([row["offset"]], pa.int64()), "received_at": time,
            "_topic": ["fasttrack.rejected"], "_partition": pa.array([0], pa.int32()),
            "_offset": [report_offset], "_appended_at": time, "_report": [row["report"]],
        }
    )  # fmt: skip


def replace(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """*rows* with other *values* in a column."""
    return rows.set_column(rows.column_names.index(name), name, values)
