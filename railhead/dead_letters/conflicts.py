"""Finds records that came again under the same id with other content, and what differs.

Errors are clickhouse-connect's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from events.check.check import check_records
from events.check.columns import arrow_type
from events.contract.fields import Field, fields_of
from events.contract.id_rules import AS_STORED
from events.contract.registry import BY_NAME, EventType
from railhead.dead_letters.differences import Difference, differences, readable
from sinks.steps import read_texts


class Later(NamedTuple):
    """A row of `conflicts`: the later record, and where the first one lies."""

    tenant: str
    event: str
    id: str
    raw: str
    topic: str
    partition: int
    offset: int
    incarnation: str
    first_partition: int
    first_offset: int
    first_incarnation: str
    request_id: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two records of one id side by side.

    `first` and `content` are the contract's fields as text, None where the row is gone, or where
    the later record no longer conforms to the contract.
    """

    later: Later
    first: dict[str, str | None] | None
    first_received_at: datetime | None
    content: dict[str, str | None] | None

    @property
    def differences(self) -> list[Difference]:
        """The fields that differ; empty if one side is missing."""
        if self.first is None or self.content is None:
            return []
        return differences(self.first, self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictSelection:
    """Which conflicts: empty strings let everything pass, the newest *limit* are selected."""

    tenant: str = ""
    event: str = ""
    id: str = ""
    since_ms: int = 0
    limit: int = 20


class Conflicts:
    """Reads conflicts and the rows that counted, through *client*."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._texts = read_texts("railhead.dead_letters")

    def newest(self, wanted: ConflictSelection) -> list[Conflict]:
        """The conflicts that are *wanted*, newest first."""
        text = self._texts["conflicts"]
        rows = self._client.query(text, parameters=asdict(wanted)).result_rows
        laters = [Later(*row) for row in rows]
        found: dict[Later, Conflict] = {}
        for event_type in {BY_NAME[one.event] for one in laters if one.event in BY_NAME}:
            mine = [one for one in laters if one.event == event_type.name]
            found |= {one.later: one for one in self._side_by_side(event_type, mine)}
        return [found.get(one, Conflict(one, None, None, None)) for one in laters]

    def _side_by_side(self, event_type: EventType, laters: list[Later]) -> Iterator[Conflict]:
        firsts = self._firsts(event_type, {(one.tenant, one.id) for one in laters})
        contents = _contents(event_type, laters)
        for one in laters:
            first, received_at = firsts.get((one.tenant, one.id), (None, None))
            yield Conflict(one, first, received_at, contents.get(one))

    def _firsts(
        self, event_type: EventType, keys: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], tuple[dict[str, str | None], datetime]]:
        fields = fields_of(event_type.model)
        names = [field.name for field in fields]
        text = self._texts["firsts"].replace("/*table*/", event_type.table)
        text = text.replace("/*fields*/", ", ".join(f"`{name}`" for name in names))
        rows = self._client.query_arrow(text, parameters={"keys": sorted(keys)})
        owners = zip(
            readable(rows.select(["_tenant", "_id"])),
            rows.column("received_at").to_pylist(),
            readable(rows.select(names).cast(_schema(fields))),
            strict=True,
        )
        return {
            (str(owner["_tenant"]), str(owner["_id"])): (content, received_at)
            for owner, received_at, content in owners
        }


def _schema(fields: Iterable[Field]) -> pa.Schema:
    """The types in which the check gives these fields, so that both sides read the same."""
    return pa.schema([(field.name, arrow_type(field)) for field in fields])


def _contents(event_type: EventType, laters: list[Later]) -> dict[Later, dict[str, str | None]]:
    """What the later records say, in the contract's fields."""
    checked = check_records(event_type, [one.raw.encode() for one in laters], rules=AS_STORED)
    columns: dict[Later, dict[str, str | None]] = {}
    for accepted in checked.accepted:
        table: Any = pa.table(accepted.columns())
        for position, content in zip(accepted.positions, readable(table), strict=True):
            columns[laters[position]] = content
    return columns
