"""The results of the exact check alone, with which those of the other checks are compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from events.check.columnar.decoded_rows import Group
from events.check.columns import columns_of
from events.check.exact import RejectedError, Valid
from events.contract.registry import EVENT_TYPES
from events.values.fingerprint import fingerprints_of
from tests.events.oracle import ID_FIELDS


def exact_results(judged: list[tuple[int, Valid]]) -> dict[str, Any]:
    """The results of the exact check for accepted items: positions, columns, hashes by type."""
    made = {}
    for event_type in EVENT_TYPES:
        mine = [(at, valid) for at, valid in judged if valid.event_type is event_type]
        rows = [(at, valid.row, valid.adjusted) for at, valid in mine]
        if rows:
            group = Group(event_type, 0)
            group.merge(rows)
            columns = columns_of(group)
            hashes = fingerprints_of(group, columns)
            adjusted = sorted((at, one) for at, _, what in rows for one in what)
            made[event_type.name] = (group.positions, columns, hashes, adjusted)
    return made


def judged_alone(raws: list[bytes], judge: Any) -> list[tuple[int, Valid]]:
    """The items that the exact check accepts and whose id is not empty, with their positions."""
    judged = []
    for position, raw in enumerate(raws):
        try:
            valid = judge(raw)
        except RejectedError:
            continue
        if getattr(valid.row, ID_FIELDS[valid.event_type.name]) != "":
            judged.append((position, valid))
    return judged


def assert_same(checked: Any, expected: dict[str, Any]) -> None:
    """Compare the result of a check with that of the exact check."""
    assert {one.type.name for one in checked.accepted} == set(expected)
    for one in checked.accepted:
        positions, columns, hashes, adjusted = expected[one.type.name]
        assert one.positions == positions
        assert one.columns() == columns
        assert np.array_equal(one.fingerprints(), hashes)
        assert sorted(one.adjusted) == adjusted
        assert one.ids == [str(v) for v in columns[one.type.id_fields[0]].to_pylist()]
