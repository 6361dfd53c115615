"""Notes which new rows may be repeats of rows stored under another id rule of their tenant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from events.contract.id_rules import IdRules
from events.contract.registry import EventType
from streams.judge.rows import Origin


@dataclass(frozen=True, slots=True)
class Doubt:
    """Rows of one tenant, by their offsets, whose ids are made from `fields`.

    A stored row that is the same item has the same value of the field `found_by`.
    """

    tenant: str
    fields: tuple[str, ...]
    found_by: str
    offsets: frozenset[int]


def doubts_of(
    event_type: EventType, origin: Origin, kept: npt.NDArray[np.int64], rules: IdRules
) -> Iterator[Doubt]:
    """The doubts about the rows *kept* of records with *origin*; mostly none."""
    changed = [rules.has_changed(run.tenant, event_type) for run in origin.runs]
    if not any(changed):
        return
    found: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for row in kept[np.asarray(changed)[origin.run[kept]]].tolist():
        tenant = origin.runs[int(origin.run[row])].tenant or ""
        fields = rules.fields_for(tenant, event_type, int(origin.appended_ms[row]))
        found.setdefault((tenant, fields), []).append(int(origin.offsets[row]))
    for (tenant, fields), offsets in found.items():
        home = rules.home_fields(tenant, event_type)
        yield Doubt(tenant, fields, (home or fields)[0], frozenset(offsets))
