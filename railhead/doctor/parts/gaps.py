"""Finds gaps behind what was stored without reading rows: in the ledger, and whole months.

Both are cheap and only look at the newest incarnation of a topic. `railhead reconcile` proves every
offset.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clickhouse_connect.driver.client import Client

from events.contract.registry import EVENT_TYPES
from railhead.lag import Ends

# Offsets that no range covers, before one of the topic as it is now. Ranges that a paused worker
# wrote late only cover more; ranges of older versions name no incarnation and may be of any.
_GAPS: Final = """
WITH newest AS (
    SELECT topic, partition, argMax(incarnation, last_appended_at) AS current
    FROM fasttrack_store.ledger WHERE incarnation != '' GROUP BY topic, partition)
SELECT topic, partition, reached + 1, first - 1
FROM (
    SELECT ledger.topic AS topic, ledger.partition AS partition, ledger.first AS first,
        ledger.incarnation AS incarnation,
        max(ledger.last) OVER before AS reached, count() OVER before AS nth
    FROM fasttrack_store.ledger AS ledger
    INNER JOIN newest ON ledger.topic = newest.topic AND ledger.partition = newest.partition
    WHERE ledger.incarnation IN ('', newest.current)
    WINDOW before AS (
        PARTITION BY ledger.topic, ledger.partition ORDER BY ledger.first, ledger.last
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
WHERE nth > 0 AND first > reached + 1 AND incarnation != ''
ORDER BY topic, partition, first
"""

# A merge takes rows away whose id was stored twice; it does not take half of a month.
_MONTHS: Final = """
SELECT counted.month, counted.stored, rows
FROM (
    SELECT toYYYYMM(last_appended_at) AS month, sum(stored) AS stored
    FROM fasttrack.ledger
    WHERE topic = {topic:String} AND toYYYYMM(first_appended_at) = toYYYYMM(last_appended_at)
    GROUP BY month) AS counted
LEFT JOIN (
    SELECT toUInt32(partition) AS month, sum(rows) AS rows
    FROM system.parts
    WHERE active AND database = 'fasttrack_store' AND table = {table:String}
    GROUP BY month) AS held ON counted.month = held.month
WHERE rows * 2 < counted.stored
ORDER BY counted.month
"""


def obvious_gaps(client: Client, ends: Ends) -> Iterator[str]:
    """What is missing, of what Kafka still has by *ends*, and of months of rows."""
    for topic, partition, first, last in client.query(_GAPS).result_rows:
        kept = ends.get((topic, partition))
        if kept is not None and last >= kept.start:
            yield f"{topic}[{partition}]: no range of the ledger covers {first} to {last}"
    for row in EVENT_TYPES:
        parameters = {"topic": row.topic, "table": row.table}
        for month, stored, rows in client.query(_MONTHS, parameters=parameters).result_rows:
            yield f"{row.table} of {month}: the ledger counts {stored:,} rows, there are {rows:,}"
