"""The account: compares what was sent with the outcomes in ClickHouse, item by item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from clickhouse_connect.driver.client import Client

from demo.traffic.traffic import ItemOutcome, Tally
from events.contract.registry import EVENT_TYPES

_ROWS: Final = " UNION ALL ".join(
    # Names of the registry; what comes from outside is a parameter.
    f"SELECT '{row.name}', count() FROM fasttrack.{row.table} WHERE tenant = {{tenant:String}}"  # noqa: S608
    for row in EVENT_TYPES
)
_CONFLICTS: Final = (
    "SELECT event, count() FROM fasttrack.conflicts WHERE tenant = {tenant:String} GROUP BY event"
)
_REJECTED: Final = (
    "SELECT reason, count() FROM fasttrack.rejected WHERE tenant = {tenant:String} GROUP BY reason"
)
_REPEATS: Final = (
    "SELECT replaceOne(topic, 'fasttrack.', ''), sum(duplicates) FROM fasttrack.ledger"
    " WHERE topic != 'fasttrack.rejected' GROUP BY topic"
)


def read_outcomes(client: Client, tenant: str) -> Tally:
    """Count the tenant's items by outcome; repeats come from the ledger, so of all tenants."""
    outcomes: Counter[ItemOutcome] = Counter()
    for outcome, query in (
        ("stored", _ROWS),
        ("conflict", _CONFLICTS),
        ("rejected", _REJECTED),
        ("repeat", _REPEATS),
    ):
        for detail, count in client.query(query, parameters={"tenant": tenant}).result_rows:
            outcomes[(outcome, detail)] += count
    return Tally(outcomes)


class Line(NamedTuple):
    """One line of the account: how many items should have an outcome, and how many have it."""

    outcome: str
    detail: str
    sent: int
    found: int


@dataclass(frozen=True, slots=True)
class Account:
    """What was sent, and the outcomes since `before`.

    `unsure` items were posted in requests that got no 204. They may have been stored all the same;
    then the retry counts as a repeat, so up to that many more repeats are correct.
    """

    sent: Tally
    before: Tally
    after: Tally
    unsure: int = 0

    def lines(self) -> Iterator[Line]:
        """Every outcome of every event type or reason, in a fixed order."""
        found = self.after.outcomes.copy()
        found.subtract(self.before.outcomes)
        order = ("stored", "repeat", "conflict", "rejected")
        keys = {
            key for key in (*self.sent.outcomes, *found) if self.sent.outcomes[key] or found[key]
        }
        for outcome, detail in sorted(keys, key=lambda key: (order.index(key[0]), key[1])):
            key = (outcome, detail)
            yield Line(outcome, detail, self.sent.outcomes[key], found[key])

    def total(self, outcome: str) -> Line:
        """Sum up one outcome."""
        lines = [line for line in self.lines() if line.outcome == outcome]
        return Line(
            outcome, "", sum(line.sent for line in lines), sum(line.found for line in lines)
        )

    def problems(self) -> list[str]:
        """Return what does not add up; empty when everything does."""
        extra = 0
        found: list[str] = []
        for line in self.lines():
            if line.outcome == "stored" and line.sent != line.found:
                found.append(f"{line.detail}: {line.sent:,} ids sent, {line.found:,} rows stored")
            elif line.found < line.sent or (line.found > line.sent and not self.unsure):
                found.append(
                    f"{line.outcome} {line.detail}: {line.sent:,} expected, {line.found:,} found"
                )
            extra += line.found - line.sent
        if extra > self.unsure:
            found.append(
                f"{extra:,} more than were sent; does another client send for this tenant?"
            )
        return found
