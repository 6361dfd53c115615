"""Notes which records may be repeats of rows stored under another id rule of their tenant."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from events.contract.id_rules import IdRules
from events.contract.registry import EventType
from streams.judge.outcomes import Decision, Outcome
from streams.judge.rows import Origin

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Records of one tenant, by their offsets, whose ids are made from `fields`.

    A stored row that is the same item has the same value of the field `found_by`.
    """

    tenant: str
    fields: tuple[str, ...]
    found_by: str
    offsets: frozenset[int]


def new_in_doubt(event_type: EventType, origin: Origin, kept: Rows, rules: IdRules) -> Rows:
    """Those of *kept*, which would be stored, whose tenant's rule has changed; mostly none."""
    changed = np.asarray([rules.has_changed(run.tenant, event_type) for run in origin.runs])
    return kept[changed[origin.run[kept]]] if changed.any() else kept[:0]


def repeats_in_doubt(decision: Decision, offsets: Rows, in_doubt: Collection[int]) -> Rows:
    """Repeats of what is in doubt: they may rather repeat the row that it is a repeat of.

    That are the first occurrences at *offsets*, and those before that are *in_doubt*.
    """
    if not len(offsets) and not in_doubt:
        return np.zeros(0, np.int64)
    repeated = np.isin(decision.outcomes, (Outcome.DUPLICATE, Outcome.CONFLICT))
    doubtful = [*offsets.tolist(), *in_doubt]
    return np.flatnonzero(repeated & np.isin(decision.first_offsets, doubtful))


def doubts_of(event_type: EventType, origin: Origin, rows: Rows, rules: IdRules) -> Iterator[Doubt]:
    """The doubts about *rows*, of records with *origin*."""
    found: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for row in rows.tolist():
        tenant = origin.runs[int(origin.run[row])].tenant or ""
        fields = rules.fields_for(tenant, event_type, int(origin.appended_ms[row]))
        found.setdefault((tenant, fields), []).append(int(origin.offsets[row]))
    for (tenant, fields), offsets in found.items():
        home = rules.home_fields(tenant, event_type)
        yield Doubt(tenant, fields, (home or fields)[0], frozenset(offsets))
