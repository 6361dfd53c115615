"""Finds rows of records whose item was stored under another id rule of its tenant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from events.check.check import check_records
from events.contract.id_rules import AS_STORED, IdRules, join_id
from events.contract.registry import BY_TOPIC, EventType
from railhead.audit.queries import AuditQueries, Coordinate, Key, TopicTable


class _ContentSearch(NamedTuple):
    """Search for a tenant's rows by values of the field `found_by`; `fields` make their ids now."""

    tenant: str
    fields: tuple[str, ...]
    found_by: str


def coordinates_by_other_rules(
    queries: AuditQueries,
    topic_table: TopicTable,
    missing: Iterable[tuple[Key, bytes | None]],
    rules: IdRules,
) -> dict[Key, Coordinate]:
    """The coordinate of the row that is the item of each missing key, by the key's own rule.

    *missing* are keys without a row, with the value of their record.
    """
    event_type = BY_TOPIC.get(topic_table.topic)
    if event_type is None:
        return {}
    wanted: dict[_ContentSearch, set[str]] = {}
    for search, value in _searches(event_type, missing, rules):
        wanted.setdefault(search, set()).add(value)
    found: dict[Key, Coordinate] = {}
    for (tenant, fields, found_by), values in wanted.items():
        for *row, topic, number, offset, incarnation in queries.rows_by_field(
            topic_table, tenant, found_by, values, fields
        ):
            coordinate = (topic, number, offset, incarnation)
            found.setdefault((tenant, join_id(row)), coordinate)
    return found


def _searches(
    event_type: EventType, missing: Iterable[tuple[Key, bytes | None]], rules: IdRules
) -> Iterator[tuple[_ContentSearch, str]]:
    for (tenant, id_), value in missing:
        history = rules.rules.get((tenant, event_type.name), ())
        if len(history) < 2:
            continue
        texts = _texts(event_type, value)
        for rule in history:
            if texts and join_id([texts[name] for name in rule.fields]) == id_:
                found_by = (rules.home_fields(tenant, event_type) or rule.fields)[0]
                yield _ContentSearch(tenant, rule.fields, found_by), texts[found_by]
                break


def _texts(event_type: EventType, value: bytes | None) -> Mapping[str, str]:
    """The strings of a record, by field."""
    for accepted in check_records(event_type, [value], rules=AS_STORED).accepted:
        return {
            name: found
            for name, column in accepted.columns().items()
            if isinstance(found := column[0].as_py() if _is_text(column) else None, str)
        }
    return {}


def _is_text(column: object) -> bool:
    return str(getattr(column, "type", "")) == "string"
