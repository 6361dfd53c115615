"""The contract's fields in which a later item differs from the one that counted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import pyarrow as pa

_NANOSECONDS: Final = 1_000_000_000


class Difference(NamedTuple):
    """One field; None is a null, or nothing sent."""

    field: str
    first: str | None
    later: str | None


def differences(first: Mapping[str, Any], later: Mapping[str, Any]) -> list[Difference]:
    """The fields in which two items differ; both as `readable` gives them, with the same names."""
    return [
        Difference(name, value, later[name])
        for name, value in first.items()
        if not _equal(value, later[name])
    ]


def _equal(one: str | None, other: str | None) -> bool:
    if one == other:
        return True
    if one is None or other is None or one[:1] not in "[{" or other[:1] not in "[{":
        return False
    # Kept JSON: other spaces and another order of names are the same content.
    try:
        return bool(_read(one) == _read(other))
    except ValueError:
        return False


def _read(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def readable(rows: pa.Table) -> Iterator[dict[str, str | None]]:
    """Each row of *rows* as text, exact: all digits of amounts, times in UTC to the nanosecond."""
    columns = {name: _texts(rows.column(name)) for name in rows.column_names}
    for at in range(rows.num_rows):
        yield {name: values[at] for name, values in columns.items()}


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        whole = column.cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
        return [None if value is None else _instant(value) for value in whole.to_pylist()]
    return [None if value is None else _text(value) for value in column.to_pylist()]


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _instant(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, _NANOSECONDS)
    moment = datetime.fromtimestamp(seconds, UTC)
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
