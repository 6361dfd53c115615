"""What do accepted items hold, and what do they say? Columns and hashes, made together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from events.columns import columns_of
from events.fingerprint import fingerprints_of
from events.group import Group


@dataclass(frozen=True, slots=True)
class Content:
    """One array per field of the contract, and one hash an item."""

    columns: dict[str, pa.Array]
    fingerprints: npt.NDArray[np.uint64]


def content_of(group: Group) -> Content:
    """Turn the rows of *group*."""
    columns = columns_of(group)
    return Content(columns, fingerprints_of(group, columns))


def joined(parts: Sequence[Content]) -> Content:
    """Put contents of one type one behind the other."""
    if len(parts) == 1:
        return parts[0]
    names = parts[0].columns
    return Content(
        {name: pa.concat_arrays([part.columns[name] for part in parts]) for name in names},
        np.concatenate([part.fingerprints for part in parts]),
    )


def taken(content: Content, places: npt.NDArray[np.int64]) -> Content:
    """Choose and order the items of *content*."""
    rows = pa.array(places)
    return Content(
        {name: column.take(rows) for name, column in content.columns.items()},
        content.fingerprints[places],
    )
