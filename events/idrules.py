"""Which fields make up an item's idempotency id, for this tenant and this type?

The registry says what the contract says; an operator may widen it per tenant, for example to
`payment_id, status` when one payment is sent again at each step of its life. Pure data: nothing
here reads a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from events.fields import Kind, fields_of
from events.registry import BY_NAME, EventType

MAX_ID_CHARACTERS: Final = 2_048


@dataclass(frozen=True, slots=True)
class IdRules:
    """Overrides by (tenant, type name); whatever is not named follows the registry."""

    overrides: Mapping[tuple[str, str], tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def fields_for(self, tenant: str | None, event_type: EventType) -> tuple[str, ...]:
        """Say which fields make the id of *tenant*'s items of *event_type*."""
        if tenant is None or not self.overrides:
            return event_type.id_fields
        return self.overrides.get((tenant, event_type.name), event_type.id_fields)

    def home_fields(self, tenant: str | None, event_type: EventType) -> tuple[str, ...]:
        """Say which fields decide in which partition *tenant*'s items of *event_type* belong.

        Items of one id have the same values there. The contract's own fields are taken if the
        tenant's rule holds them, so that a rule may change and every id stays where it is.
        """
        chosen = self.fields_for(tenant, event_type)
        common = tuple(name for name in event_type.id_fields if name in chosen)
        return common or chosen

    def touches(self, event_type: EventType) -> bool:
        """Tell whether any tenant has a rule of its own for *event_type*."""
        return any(name == event_type.name for _, name in self.overrides)


DEFAULT_RULES: Final = IdRules()


def parse_id_rules(raw: Mapping[str, Mapping[str, Sequence[str]]]) -> IdRules:
    """Read `{"TENANT": {"realtime-payment": ["payment_id", "status"]}}`.

    Raises:
        ValueError: a type or a field that does not exist, or a field that cannot be part of an id
            (only required strings can), or an empty or repeating list; the text says which.
    """
    return IdRules(
        MappingProxyType(
            {
                (tenant, name): _checked(name, fields)
                for tenant, by_type in raw.items()
                for name, fields in by_type.items()
            }
        )
    )


def _checked(name: str, fields: Any) -> tuple[str, ...]:
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
        if one.required and not one.nullable and one.kind in (Kind.TEXT, Kind.CHOICE)
    ]


def join_id(parts: Sequence[str]) -> str:
    r"""Join the parts of an id so that different parts never make the same id.

    One part stays as it is; several are joined by `|`, with `\` before a `|` or `\` of their own.
    """
    if len(parts) == 1:
        return parts[0]
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts)
