"""The content of accepted items: columns and hashes, made together."""

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
    """One array per field of the contract, and one hash per item.

    `lists` are the arrays of what lies inside lists of models: see `events.check.columnar.lists`.
    """

    columns: dict[str, pa.Array]
    fingerprints: npt.NDArray[np.uint64]
    lists: dict[str, pa.Array]


def content_of(group: Group) -> Content:
    """Make the content of the rows of *group*."""
    columns = columns_of(group)
    return Content(columns, fingerprints_of(group, columns), list_columns(group))


def joined(contents: Sequence[Content]) -> Content:
    """Concatenate contents of one type."""
    if len(contents) == 1:
        return contents[0]
    return Content(
        _concatenated([one.columns for one in contents]),
        np.concatenate([one.fingerprints for one in contents]),
        _concatenated([one.lists for one in contents]),
    )


def taken(content: Content, indexes: npt.NDArray[np.int64]) -> Content:
    """Choose and order the items of *content*."""
    rows = pa.array(indexes)
    return Content(
        {name: column.take(rows) for name, column in content.columns.items()},
        content.fingerprints[indexes],
        {name: column.take(rows) for name, column in content.lists.items()},
    )


def _concatenated(contents: Sequence[dict[str, pa.Array]]) -> dict[str, pa.Array]:
    return {name: pa.concat_arrays([one[name] for one in contents]) for name in contents[0]}
