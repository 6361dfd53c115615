"""Every query of ledger and tables that the audit asks ClickHouse.

ClickHouse folds and counts; only what does not add up is returned, at most `MOST` rows of it.
Errors are clickhouse-connect's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client

from events.contract.registry import BY_TOPIC, REJECTED_TOPIC
from railhead.audit.chain import Cluster, Island, OffsetRange, Span, resolve
from sinks.ledger import CLOCK_SLACK_MS
from sinks.steps import read_texts
from streams.judge.outcomes import OutcomeCounts

# More than this of one kind is reported as a number: too many to repair line by line.
MOST: Final = 10_000
MOST_BLOCKS: Final = 100_000
KEYS_AT_ONCE: Final = 2_000
OUTCOMES: Final = len(OutcomeCounts._fields)

# The condition that a row is about the topic's present incarnation; see queries.sql.
MINE: Final = """({name}incarnation = {{incarnation:String}} AND {name}incarnation != ''
        OR {name}incarnation = '' AND NOT (
            {offset} >= {{starts:Map(Int32, Int64)}}[{name}partition]
            AND {time} < fromUnixTimestamp64Milli(
                {{births:Map(Int32, Int64)}}[{name}partition], 'UTC')))"""
CONDITIONS: Final = {
    "/*mine: ledger*/": MINE.format(name="", offset="last", time="last_appended_at"),
    "/*mine: rows*/": MINE.format(name="_", offset="_offset", time="_appended_at"),
    "/*mine: kept*/": MINE.format(name="", offset="offset", time="_appended_at"),
}

Key = tuple[Any, ...]
Coordinate = tuple[str, int, int, str]
"""A record: topic, partition, offset, and the topic's incarnation."""
Logs = Mapping[int, tuple[int, int]]
"""By partition: the first offset kept, and when its record was appended, in milliseconds."""


class TopicTable(NamedTuple):
    """The table that holds a topic's stored records; it keeps one row for each `key`."""

    topic: str
    table: str
    key: str

    @property
    def has_kept(self) -> bool:
        """Whether records of the topic may also be in `conflicts` or `rejected`."""
        return self.topic != REJECTED_TOPIC


def topic_table_of(topic: str) -> TopicTable:
    """The table of *topic*'s stored records."""
    if topic == REJECTED_TOPIC:
        return TopicTable(topic, "rejected", "tenant, _report")
    return TopicTable(topic, BY_TOPIC[topic].table, "tenant, _id")


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a topic that is audited: offsets from `origins` to before `ends`, by partition.

    A partition without ranges in the time asked for has its origin at its end. `since_ms` bounds
    what is read: records appended earlier are not in the window. `incarnation` separates the topic
    from earlier ones of its name, and `logs` do so where rows do not name theirs.
    """

    topic_table: TopicTable
    since_ms: int
    logs: Logs
    incarnation: str = ""
    origins: Mapping[int, int] = field(default_factory=dict)
    ends: Mapping[int, int] = field(default_factory=dict)

    def parameters(self, **more: Any) -> dict[str, Any]:
        """As parameters of a query."""
        return {
            "topic": self.topic_table.topic,
            "since_ms": self.since_ms,
            "incarnation": self.incarnation,
            **_of_logs(self.logs),
            "origins": _as_map(self.origins),
            "ends": _as_map(self.ends),
            "has_kept": self.topic_table.has_kept,
            "most": MOST,
            **more,
        }


class OffsetBlock(NamedTuple):
    """Offsets of one range or of several that overlap, and what the tables hold of them.

    `rows` and `offsets` are those of the topic's own table; more rows than offsets are copies.
    """

    partition: int
    span: Span
    ranges: int
    reported: OutcomeCounts
    rows: int
    offsets: int
    conflicts: int
    rejected: int

    @property
    def is_full(self) -> bool:
        """Whether each offset has a record by the ledger."""
        return self.reported.records == self.span.size

    @property
    def has_its_rows(self) -> bool:
        """Whether the tables hold as many records as the ledger reports."""
        held = (self.offsets, self.conflicts, self.rejected)
        return held == (self.reported.stored, self.reported.conflicts, self.reported.rejected)


class Copies(NamedTuple):
    """Rows of one record."""

    offset: int
    rows: int
    ids: int
    differ: bool


class Shown(NamedTuple):
    """Rows of a view, of its table as the view should show it, and of the view once more."""

    before: int
    stored: int
    after: int


class KeptRows(NamedTuple):
    """How many records the ledger reports, and how many a table has."""

    reported: int
    there: int


class AuditQueries:
    """Reads ledger and tables through *client*."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._texts = read_texts("railhead.audit")

    def window(self, topic: str, since_ms: int, logs: Logs, incarnation: str) -> Window:
        """Fix the window: what the ledger has now; what is written later is not audited."""
        asked = Window(topic_table_of(topic), since_ms, logs, incarnation)
        rows = self._ask("window", asked.parameters())
        started = [first_ms for _, _, ranges, _, first_ms in rows if ranges]
        read_from = max(0, min([since_ms, *started]) - CLOCK_SLACK_MS) if since_ms else 0
        origins = {
            number: (origin if since_ms else 0) if ranges else end
            for number, origin, ranges, end, _ in rows
        }
        ends = {number: end for number, _, _, end, _ in rows}
        return Window(asked.topic_table, read_from, logs, incarnation, origins, ends)

    def other_incarnations(self, window: Window) -> list[tuple[int, Span, int]]:
        """(partition, offsets, ranges) of earlier topics of this name in the ledger."""
        rows = self._ask("other_incarnations", window.parameters())
        return [(number, Span(first, last), ranges) for number, first, last, ranges in rows]

    def islands(self, window: Window) -> dict[int, list[Island]]:
        """The ranges, folded where they join, by partition."""
        found: dict[int, list[Island]] = {}
        rows = self._ask(("blocks", "islands"), window.parameters())
        for number, first, last, ranges, *outcomes in rows:
            island = Island(first, last, ranges, OutcomeCounts(*outcomes))
            found.setdefault(number, []).append(island)
        return found

    def clusters(self, window: Window) -> dict[int, list[Cluster]]:
        """The ranges that overlap others, resolved, by partition."""
        rivals: dict[tuple[int, int], list[OffsetRange]] = {}
        rows = self._ask(("blocks", "rivals"), window.parameters())
        for number, cluster, first, last, generation, *outcomes in rows:
            one = OffsetRange(first, last, generation, OutcomeCounts(*outcomes))
            rivals.setdefault((number, cluster), []).append(one)
        found: dict[int, list[Cluster]] = {}
        for (number, _), ranges in rivals.items():
            found.setdefault(number, []).append(resolve(ranges))
        return found

    def doubtful(self, window: Window, *, every: bool) -> list[OffsetBlock]:
        """Blocks that do not add up, all of several ranges, and with *every* all others too."""
        parameters = window.parameters(every=every, most=MOST_BLOCKS)
        rows = self._ask(("blocks", "rows", "kept", "doubtful"), parameters, window.topic_table)
        return [
            OffsetBlock(
                number, Span(first, last), ranges, OutcomeCounts(*rest[:OUTCOMES]), *rest[OUTCOMES:]
            )
            for number, first, last, ranges, *rest in rows
        ]

    def strays(self, window: Window) -> list[tuple[int, int]]:
        """(partition, offset) of rows in the window that no range covers."""
        rows = self._ask(("blocks", "rows", "strays"), window.parameters(), window.topic_table)
        return [(number, offset) for number, offset in rows]

    def past_the_window(self, window: Window) -> dict[int, tuple[int, int]]:
        """By partition, how many rows are not in the ledger yet and the last one's offset."""
        rows = self._ask("past_the_window", window.parameters(), window.topic_table)
        return {number: (count, last) for number, count, last in rows}

    def of_no_topic(self, window: Window) -> list[tuple[tuple[str, int, int], str]]:
        """Coordinate and tenant of rows that cannot come from the topic."""
        rows = self._ask("of_no_topic", window.parameters(), window.topic_table)
        return [((topic, number, offset), tenant) for topic, number, offset, tenant in rows]

    def rows_of(self, window: Window, partition: int, span: Span) -> dict[int, set[Key]]:
        """The keys of the rows of each offset of *span*."""
        found: dict[int, set[Key]] = {}
        within = _within(window, partition, span)
        for offset, *key in self._ask("rows_of_block", within, window.topic_table):
            found.setdefault(offset, set()).add(tuple(key))
        return found

    def copies_of(self, window: Window, partition: int, span: Span) -> list[Copies]:
        """Records in *span* that have more than one row."""
        rows = self._ask("copies_of_block", _within(window, partition, span), window.topic_table)
        return [Copies(offset, count, ids, bool(differ)) for offset, count, ids, differ in rows]

    def kept_of(self, table: str, window: Window, partition: int, span: Span) -> set[int]:
        """Offsets in *span* of which `conflicts` or `rejected` has a row."""
        topic_table = TopicTable(window.topic_table.topic, table, "")
        return {
            row[0]
            for row in self._ask("kept_of_block", _within(window, partition, span), topic_table)
        }

    def coordinates_of(self, topic_table: TopicTable, keys: Iterable[Key]) -> dict[Key, Coordinate]:
        """The coordinate of the row that counts for each of *keys* that has one."""
        wanted, found = sorted(set(keys)), {}
        for start in range(0, len(wanted), KEYS_AT_ONCE):
            some = wanted[start : start + KEYS_AT_ONCE]
            for *key, topic, number, offset, incarnation in self._ask(
                "where_ids_are", {"keys": some}, topic_table
            ):
                found[tuple(key)] = (topic, number, offset, incarnation)
        return found

    def rows_by_field(
        self,
        topic_table: TopicTable,
        tenant: str,
        field: str,
        values: Iterable[str],
        fields: Sequence[str],
    ) -> list[tuple[Any, ...]]:
        """Some *fields* and the coordinate of *tenant*'s rows with one of *values*, oldest first.

        Names of fields are the contract's.
        """
        wanted = sorted(values)
        found: list[Sequence[Any]] = []
        text = self._texts["rows_by_field"].replace("/*table*/", topic_table.table)
        text = text.replace("/*field*/", field).replace("/*fields*/", ", ".join(fields))
        for start in range(0, len(wanted), KEYS_AT_ONCE):
            parameters = {"tenant": tenant, "values": wanted[start : start + KEYS_AT_ONCE]}
            found += self._client.query(text, parameters=parameters).result_rows
        return [tuple(row) for row in found]

    def shown_twice(self, window: Window, tenant: str) -> list[tuple[Key, int, int]]:
        """Key, partition and offset of the rows of ids that have an earlier visible row."""
        rows = self._ask("shown_twice", window.parameters(tenant=tenant), window.topic_table)
        return [((who, id_), number, offset) for who, id_, number, offset in rows]

    def hidden(
        self, window: Window, tenant: str
    ) -> list[tuple[Key, tuple[int, int, str], tuple[int, int, str]]]:
        """Ids with rows that differ: key, and the coordinates of the first and of another."""
        parameters = window.parameters(tenant=tenant)
        ((rows, ids),) = self._ask("rows_and_ids", parameters, window.topic_table)
        # Nearly always equal: then there is nothing to group.
        if rows == ids:
            return []
        found = self._ask("hidden", parameters, window.topic_table)
        return [((who, id_), tuple(first), tuple(other)) for who, id_, first, other in found]

    def reports(self, window: Window) -> tuple[int, int]:
        """How many rejections the dead letters of the window are about, and how many repeat one."""
        ((kept, repeats),) = self._ask("reports", window.parameters())
        return int(kept), int(repeats)

    def merging(self, window: Window) -> list[tuple[str, int, int, int, str]]:
        """Table, partition, offset, number and tenant of rows that differ and share their key."""
        steps = {"ledger": "merging_ranges", "conflicts": "merging_conflicts"}
        if not window.topic_table.has_kept:
            steps = {"ledger": "merging_ranges", "rejected": "merging_reports"}
        return [
            (table, *row)
            for table, step in steps.items()
            for row in self._ask(step, window.parameters())
        ]

    def kept_of_earlier(self, window: Window) -> list[tuple[int, Span, KeptRows, KeptRows]]:
        """Partition, offsets, conflicts and rejected of earlier topics where some are missing."""
        rows = (
            self._ask("kept_of_earlier", window.parameters()) if window.topic_table.has_kept else ()
        )
        return [
            (number, Span(first, last), KeptRows(*rest[:2]), KeptRows(*rest[2:]))
            for number, first, last, *rest in rows
        ]

    def shown(self, window: Window, tenant: str) -> Shown:
        """How many rows the analysts' view shows, and should show."""
        return Shown(
            *(
                int(self._ask(step, window.parameters(tenant=tenant), window.topic_table)[0][0])
                for step in ("shown", "to_be_shown", "shown")
            )
        )

    def _ask(
        self,
        steps: str | Sequence[str],
        parameters: Mapping[str, Any],
        topic_table: TopicTable | None = None,
    ) -> list[Any]:
        names = (steps,) if isinstance(steps, str) else steps
        text = "\n".join(self._texts[name] for name in names)
        for marker, condition in CONDITIONS.items():
            text = text.replace(marker, condition)
        if topic_table is not None:
            text = text.replace("/*table*/", topic_table.table).replace("/*key*/", topic_table.key)
        return list(self._client.query(text, parameters=dict(parameters)).result_rows)


def _as_map(offsets: Mapping[int, int]) -> str:
    return "{" + ", ".join(f"{number}: {offset}" for number, offset in offsets.items()) + "}"


def _of_logs(logs: Logs) -> dict[str, str]:
    return {
        "starts": _as_map({number: start for number, (start, _) in logs.items()}),
        "births": _as_map({number: born_ms for number, (_, born_ms) in logs.items()}),
    }


def _within(window: Window, partition: int, span: Span) -> dict[str, Any]:
    return window.parameters(partition=partition, first=span.first, last=span.last)
