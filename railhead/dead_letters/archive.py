"""Reads dead letters from ClickHouse and records their replays.

Errors are clickhouse-connect's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from railhead.dead_letters.dead_letter import (
    NO_INCARNATION,
    AmbiguousIdError,
    DeadLetter,
    DeadLetterId,
    DeadLetterSelection,
    Occurrences,
    dead_letter_of,
)
from sinks.steps import read_texts

AT_ONCE: Final = 200
WHOLE: Final = 1 << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The result of sending a dead letter again: `sent`, or `refused` with the new reason."""

    dead_letter: DeadLetter
    replay: str
    replayed_at: datetime
    via: str
    changes: str
    outcome: str
    reason: str = ""
    field: str = ""
    message: str = ""


class Archive:
    """Reads `fasttrack_store.rejected` through *client* and records replays beside it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._texts = read_texts("railhead.dead_letters")

    def count(self, selection: DeadLetterSelection) -> int:
        """How many dead letters are selected."""
        return int(self._ask(("count", "filters"), selection.parameters())[0][0])

    def count_distinct(self, selection: DeadLetterSelection) -> int:
        """How many different items the selected dead letters are about."""
        return int(self._ask(("count_distinct", "filters"), selection.parameters())[0][0])

    def newest(self, selection: DeadLetterSelection, limit: int) -> list[DeadLetterId]:
        """The ids of the dead letters that were received last, newest first."""
        return self._ids(("ids", "filters", "newest_first"), selection, limit)

    def oldest(
        self, selection: DeadLetterSelection, limit: int, *, again: bool
    ) -> list[DeadLetterId]:
        """The ids of the dead letters received first, with *again* also of those sent before."""
        steps = ["ids", "filters", *([] if again else ["not_yet_replayed"]), "oldest_first"]
        return self._ids(steps, selection, limit)

    def distinct(
        self, selection: DeadLetterSelection, limit: int
    ) -> dict[DeadLetterId, Occurrences]:
        """The different items that were received last, newest first, each by its first dead letter.

        Only selected dead letters count, and an item's first one is the first of those.
        """
        steps = ("distinct", "filters", "last_seen_first")
        rows = self._ask(steps, {**selection.parameters(), "limit": limit})
        return {DeadLetterId(*row[:4]): Occurrences(*row[4:7]) for row in rows}

    def occurrences(self, dead_letter: DeadLetter) -> Occurrences:
        """When and how often the item of *dead_letter* was received; reads all of its tenant's."""
        parameters = {
            "tenant": dead_letter.tenant,
            "partition": dead_letter.id.partition,
            "offset": dead_letter.id.offset,
            "appended_ms": round(dead_letter.appended_at.timestamp() * 1000),
        }
        return Occurrences(*self._ask(("occurrences",), parameters)[0])

    def _ids(
        self, steps: Sequence[str], selection: DeadLetterSelection, limit: int
    ) -> list[DeadLetterId]:
        rows = self._ask(steps, {**selection.parameters(), "limit": limit})
        return [DeadLetterId(*row) for row in rows]

    def resolve(self, named: DeadLetterId) -> DeadLetterId | None:
        """The full id of the report that *named* means; None if there is none.

        Raises:
            AmbiguousIdError: there are several, in topics of several incarnations.
        """
        rows = self._ask(("named",), {**named._asdict(), "none": NO_INCARNATION})
        found = [DeadLetterId(*row) for row in rows]
        if len(found) > 1:
            names = ", ".join(str(one) if one.incarnation else f"{one}:-" for one in found)
            text = f"{named} names {len(found)} items, as the topic was recreated: {names}"
            raise AmbiguousIdError(text)
        return found[0] if found else None

    def dead_letters(
        self, ids: Iterable[DeadLetterId], *, raw_bytes: int = WHOLE
    ) -> Iterator[DeadLetter]:
        """The dead letters of *ids* in that order; a raw item is cut off after *raw_bytes*."""
        rest = iter(ids)
        while some := list(islice(rest, AT_ONCE)):
            coordinates = ",".join(
                f"({one.partition},{one.offset},{one.appended_ms})" for one in some
            )
            rows = self._ask(
                ("dead_letters",), {"coordinates": f"[{coordinates}]", "raw_bytes": raw_bytes}
            )
            found = {dead_letter.id: dead_letter for dead_letter in map(dead_letter_of, rows)}
            yield from (found[one] for one in some if one in found)

    def replays(self, id_: DeadLetterId) -> list[dict[str, Any]]:
        """When and how the dead letter was sent again."""
        result = self._client.query(self._texts["replays"], parameters=id_._asdict())
        return list(result.named_results())

    def note(self, replayed: Sequence[Replayed]) -> None:
        """Record replays; recording one again changes nothing."""
        if not replayed:
            return
        columns: dict[str, list[Any]] = {
            "tenant": [one.dead_letter.tenant for one in replayed],
            "letter_incarnation": [one.dead_letter.id.incarnation for one in replayed],
            "letter_partition": [one.dead_letter.id.partition for one in replayed],
            "letter_offset": [one.dead_letter.id.offset for one in replayed],
            "letter_appended_at": [one.dead_letter.appended_at for one in replayed],
        }
        for name in ("replay", "replayed_at", "via", "changes", "outcome", "reason", "field"):
            columns[name] = [getattr(one, name) for one in replayed]
        columns["message"] = [one.message for one in replayed]
        self._client.insert(
            "rejected_replays",
            list(columns.values()),
            column_names=list(columns),
            column_oriented=True,
            database="fasttrack_store",
            settings={"async_insert": 0},
        )

    def _ask(self, steps: Sequence[str], parameters: dict[str, Any]) -> list[Any]:
        text = "\n".join(self._texts[name] for name in steps)
        return list(self._client.query(text, parameters=parameters).result_rows)
