"""Rules for idempotency ids: which fields make them, by tenant and event type, now and before.

The registry has the contract's rule; an operator may choose other fields per tenant, for example
`payment_id, status` when one payment is sent again with each new status, and may change the choice.
Pure data: nothing here reads a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from events.contract.fields import FieldKind, fields_of
from events.contract.registry import BY_NAME, EventType

MAX_ID_CHARACTERS: Final = 2_048

Key = tuple[str, str]
"""Tenant and type name."""


class Rule(NamedTuple):
    """The fields that make the ids of records appended since a time, in milliseconds."""

    since_ms: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdRules:
    """Rules by (tenant, type name), oldest first; the registry's rule holds for all others.

    With `empty_ids` an empty id is valid, as it was when some of what is stored was judged.
    """

    rules: Mapping[Key, tuple[Rule, ...]] = field(default_factory=lambda: MappingProxyType({}))
    empty_ids: bool = False

    def fields_for(
        self, tenant: str | None, event_type: EventType, appended_ms: int | None = None
    ) -> tuple[str, ...]:
        """The fields that make the id of *tenant*'s items of *event_type*.

        For a record appended at *appended_ms*, or (None) for an item that is judged now.
        """
        rules = self.rules.get((tenant or "", event_type.name)) if tenant is not None else None
        if not rules:
            return event_type.id_fields
        if appended_ms is None:
            return rules[-1].fields
        begun = [rule for rule in rules if rule.since_ms <= appended_ms]
        return (begun or rules)[-1 if begun else 0].fields

    def home_fields(self, tenant: str | None, event_type: EventType) -> tuple[str, ...]:
        """The fields that decide in which partition *tenant*'s items of *event_type* belong.

        Every rule of the tenant has these fields, so items of one id have the same values in them
        under any of its rules. They are the contract's own wherever possible, so that every id
        stays in its partition when the rule changes.
        """
        rules = self.rules.get((tenant or "", event_type.name), ())
        if tenant is None or not rules:
            return event_type.id_fields
        common = [set(rule.fields) for rule in rules]
        of_contract = tuple(n for n in event_type.id_fields if all(n in one for one in common))
        return of_contract or tuple(n for n in rules[0].fields if all(n in one for one in common))

    def touches(self, event_type: EventType) -> bool:
        """Tell whether any tenant has or had a rule of its own for *event_type*."""
        return any(name == event_type.name for _, name in self.rules)

    def has_changed(self, tenant: str | None, event_type: EventType) -> bool:
        """Tell whether items of *tenant* may be stored under ids of another rule."""
        return len(self.rules.get((tenant or "", event_type.name), ())) > 1


DEFAULT_RULES: Final = IdRules()
AS_STORED: Final = IdRules(empty_ids=True)


def parse_id_rules(raw: Mapping[str, Mapping[str, Sequence[str]]]) -> IdRules:
    """Read `{"TENANT": {"realtime-payment": ["payment_id", "status"]}}`: rules without a history.

    Raises:
        ValueError: a type or a field that does not exist, or a field that cannot be part of an id
            (only required strings can), or an empty list, or one with repeats; the text says which.
    """
    return IdRules(
        MappingProxyType(
            {
                (tenant, name): (Rule(0, checked_fields(name, fields)),)
                for tenant, by_type in raw.items()
                for name, fields in by_type.items()
            }
        )
    )


def checked_fields(name: str, fields: Any) -> tuple[str, ...]:
    """The fields of a rule for the type *name*.

    Raises:
        ValueError: as `parse_id_rules`.
    """
    if name not in BY_NAME:
        raise ValueError(f"id rule: no event type {name!r}; there are {', '.join(BY_NAME)}")
    usable = _usable(BY_NAME[name])
    if isinstance(fields, str) or not fields or len(set(fields)) < len(fields):
        raise ValueError(f"id rule of {name}: give a list of different field names")
    for one in fields:
        if one not in usable:
            raise ValueError(f"id rule of {name}: {one!r} is not one of {', '.join(usable)}")
    return tuple(fields)


def _usable(event_type: EventType) -> list[str]:
    return [
        one.name
        for one in fields_of(event_type.model)
        if one.required and not one.nullable and one.kind in (FieldKind.TEXT, FieldKind.CHOICE)
    ]


def empty_part(event_type: EventType, parts: Mapping[str, str]) -> str | None:
    """The field for which an id of *parts* tells no two events apart; None if it does.

    That is the contract's id if it is one of the parts and empty. Without it, one part that is not
    empty is enough.
    """
    own = [name for name in event_type.id_fields if name in parts]
    empty = [name for name in own if not parts[name]]
    if not own and not any(parts.values()):
        empty = list(parts)
    return empty[0] if empty else None


def join_id(parts: Sequence[str]) -> str:
    r"""Join the parts of an id so that different parts never make the same id.

    One part stays as it is; several are joined by `|`, with `\` before a `|` or `\` of their own.
    """
    if len(parts) == 1:
        return parts[0]
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)
