"""What do accepted items hold, and what do they say? Columns and hashes, made together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from events.check.columnar.decoded_rows import Group
from events.check.columnar.lists import list_columns
from events.check.columns import columns_of
from events.values.fingerprint import fingerprints_of


@dataclass(frozen=True, slots=True)
class Content:
    """One array per field of the contract, and one hash an item.

    `lists` are the arrays of what lies inside lists of models, by `events.check.columnar.lists`.
    """

    columns: dict[str, pa.Array]
    fingerprints: npt.NDArray[np.uint64]
    lists: dict[str, pa.Array]


def content_of(group: Group) -> Content:
    """Turn the rows of *group*."""
    columns = columns_of(group)
    return Content(columns, fingerprints_of(group, columns), list_columns(group))


def joined(parts: Sequence[Content]) -> Content:
    """Put contents of one type one behind the other."""
    if len(parts) == 1:
        return parts[0]
    return Content(
        _concatenated([part.columns for part in parts]),
        np.concatenate([part.fingerprints for part in parts]),
        _concatenated([part.lists for part in parts]),
    )


def taken(content: Content, places: npt.NDArray[np.int64]) -> Content:
    """Choose and order the items of *content*."""
    rows = pa.array(places)
    return Content(
        {name: column.take(rows) for name, column in content.columns.items()},
        content.fingerprints[places],
        {name: column.take(rows) for name, column in content.lists.items()},
    )


def _concatenated(parts: Sequence[dict[str, pa.Array]]) -> dict[str, pa.Array]:
    return {name: pa.concat_arrays([part[name] for part in parts]) for name in parts[0]}
