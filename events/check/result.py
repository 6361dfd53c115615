"""The result of a check: every position of the input is either accepted or rejected, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from events.check.columnar.texts import text_array
from events.contract.adjustments import Adjustment
from events.contract.registry import EventType

if TYPE_CHECKING:
    from events.check.content import Content


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why the item at `position` was refused.

    `reason` is a code of `events.contract.reasons`; `field` is a path such as `data.bets[0].odds`,
    or None for the item as a whole; `event` is the type it names, shortened to 128 characters, or
    None. `message` holds names of the contract's fields but never a value of the item.
    """

    position: int
    event: str | None
    reason: str
    field: str | None
    message: str

    def moved_to(self, position: int) -> Rejection:
        """The same rejection, of an item at *position*."""
        return replace(self, position=position)


class CheckedType:
    """The accepted items of one event type: `positions` ascend, `ids` and columns go with them."""

    def __init__(  # noqa: PLR0913 - keyword-only, what only some items have
        self,
        event_type: EventType,
        positions: list[int],
        ids: list[str] | pa.StringArray,
        content: Callable[[], Content],
        *,
        rewritten: Mapping[int, bytes] | None = None,
        adjusted: Sequence[tuple[int, Adjustment]] = (),
        home_ids: list[str] | pa.StringArray | None = None,
    ) -> None:
        self.type = event_type
        self.positions = positions
        self._ids = ids
        self._home_ids = home_ids
        # Items whose ids were numbers, as they must be published: the same text with quotes set.
        self.rewritten: Mapping[int, bytes] = rewritten or {}
        # By position, how each value that is not stored exactly as it was sent was changed.
        self.adjusted = adjusted
        self._make_content = content

    def __len__(self) -> int:
        return len(self.positions)

    @cached_property
    def ids(self) -> list[str]:
        """The idempotency id of each item."""
        return self._ids if isinstance(self._ids, list) else self._ids.to_pylist()

    @cached_property
    def id_array(self) -> pa.StringArray:
        """The same as a column."""
        return text_array(self._ids) if isinstance(self._ids, list) else self._ids

    @property
    def home_ids(self) -> list[str]:
        """What decides each item's partition: its id, or the part that no id rule changes."""
        if self._home_ids is None:
            return self.ids
        return self._home_ids if isinstance(self._home_ids, list) else self._home_ids.to_pylist()

    @property
    def home_id_array(self) -> pa.StringArray:
        """The same as a column."""
        if self._home_ids is None:
            return self.id_array
        return text_array(self._home_ids) if isinstance(self._home_ids, list) else self._home_ids

    def columns(self) -> dict[str, pa.Array]:
        """One array per field of the contract, in the contract's order.

        Strings as they are; amounts decimal128(38, 18); date-times timestamp("ns", "UTC"); flags
        booleans; nested content (`bets`) as the JSON text that was sent. Absent optional fields
        hold the contract's default, or null.
        """
        return self.content.columns

    def lists(self) -> dict[str, pa.Array]:
        """What lies inside nested lists of models: see `events.check.columnar.lists`."""
        return self.content.lists

    def fingerprints(self) -> npt.NDArray[np.uint64]:
        """A hash of the meaning of each item, in the contract's terms.

        Equal for equal meaning: 0.5 and 5e-1, 12:00Z and 13:00+01:00, a default sent or left out,
        a whole item and its bare data, any order, white space and unknown fields.
        """
        return self.content.fingerprints

    @cached_property
    def content(self) -> Content:
        """Columns and hashes; the ingest API never needs them, so they are made on first use."""
        return self._make_content()


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of one call; types without accepted items are not listed."""

    accepted: list[CheckedType] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
