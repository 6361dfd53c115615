"""Checks every promise: the clients' log against views, rejected, conflicts and ledger.

lost         acknowledged, and not there
duplicated   there more than once
invented     there, and never sent
leaked       there under a tenant that did not send it
altered      there with other content than was sent, or not the content that came first
unaccounted  an offset without exactly one outcome in the ledger, or a wrong sum
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from events.contract.registry import EVENT_TYPES, REJECTED_TOPIC
from tests.system.chaos.content import (
    VALID,
    Item,
    Version,
    columns,
    data_text,
    id_of,
    item_text,
    row_of,
)
from tests.system.chaos.history import History, Sent, has
from tests.system.chaos.topics import OUTCOMES, Truth, tally

FINDINGS = ("lost", "duplicated", "invented", "leaked", "altered", "unaccounted")
EXAMPLES = 5
Ask = Callable[[str], AsyncIterator[list[Any]]]
"""Rows of a query."""


@dataclass(slots=True)
class CheckResult:
    """How often each finding was made, with the first examples, and what was checked."""

    found: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    checked: Counter[str] = field(default_factory=Counter)

    def find(self, what: str, example: str) -> None:
        """Note a finding."""
        self.found[what] += 1
        shown = self.examples.setdefault(what, [])
        if len(shown) < EXAMPLES:
            shown.append(example)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.found


async def check(history: History, truth: Truth, ask: Ask) -> CheckResult:
    """Compare everything with everything."""
    check_result = CheckResult()
    for coordinate in truth.foreign:
        check_result.find("invented", f"a record that was never sent at {coordinate}")
    for kind, row in enumerate(EVENT_TYPES):
        await _Rows(kind, row.table, history.sent, truth, check_result).check(ask)
    await _rejected(history, truth, ask, check_result)
    await _conflicts(truth, ask, check_result)
    await _ledger(truth, ask, check_result)
    return check_result


@dataclass(slots=True)
class _Rows:
    """The check of one event view."""

    kind: int
    view: str
    sent: dict[str, Sent]
    truth: Truth
    check_result: CheckResult

    async def check(self, ask: Ask) -> None:
        names = columns(self.kind)
        seen: Counter[tuple[str, int]] = Counter()
        query = f"SELECT tenant, {', '.join(names.values())} FROM fasttrack.{self.view}"
        async for tenant, *values in ask(query):
            self.check_result.checked["rows"] += 1
            number = self._row(tenant, dict(zip(names, values, strict=True)))
            seen[tenant, number] += 1
        for (tenant, number), count in seen.items():
            if count > 1 and number >= 0:
                self._find("duplicated", tenant, number, f"{count} rows")
        self._look_for_missing(seen)

    def _row(self, tenant: str, row: dict[str, str | None]) -> int:
        """Judge one row; its number, -1 when it has none."""
        id_ = row.get("unique_id") or row.get("payment_id") or row.get("activity_id") or ""
        user = (row["user_id"] or "").split(":")
        kind, _, digits = id_.partition("-")
        if kind != str(self.kind) or not digits.isdecimal() or len(user) != 3:
            self.check_result.find("invented", f"{self.view} {tenant} {id_!r}")
            return -1
        number, version = int(digits), Version(int(user[1]))
        attempted = self._sent(tenant).attempted.get((self.kind, number), 0)
        if user[0] != tenant:
            self._find("leaked", tenant, number, f"row of {user[0]}")
        elif not has(attempted, version):
            self._find("invented", tenant, number, f"version {version.name}")
        else:
            self._content(tenant, Item(self.kind, number, version), row)
        return number

    def _content(self, tenant: str, item: Item, row: dict[str, str | None]) -> None:
        sent = row_of(tenant, item)
        for name, value in row.items():
            expected = sent.get(name, _DEFAULTS.get(name))
            if value != expected:
                what = f"{name} is {value!r}, sent {expected!r}"
                self._find("altered", tenant, item.number, what)
                return
        firsts = self.truth.firsts.get((tenant, self.kind, item.number), [])
        # Across partitions the append time decides; with equal times either may be first.
        earliest = min((at for at, _, _ in firsts), default=None)
        if item.version not in {version for at, _, version in firsts if at == earliest}:
            self._find("altered", tenant, item.number, f"{item.version.name} did not come first")

    def _look_for_missing(self, seen: Counter[tuple[str, int]]) -> None:
        for tenant, sent in self.sent.items():
            for (kind, number), versions in sent.acknowledged.items():
                if kind != self.kind or not any(has(versions, version) for version in VALID):
                    continue
                self.check_result.checked["ids acknowledged"] += 1
                if (tenant, number) not in seen:
                    there = (tenant, kind, number) in self.truth.firsts
                    where = "in its topic" if there else "not in its topic"
                    self._find("lost", tenant, number, where)
        for tenant, kind, number in self.truth.firsts:
            if kind == self.kind and (tenant, number) not in seen:
                self._find("lost", tenant, number, "in its topic and not in the view")

    def _sent(self, tenant: str) -> Sent:
        return self.sent.get(tenant) or Sent()

    def _find(self, what: str, tenant: str, number: int, more: str) -> None:
        self.check_result.find(what, f"{self.view} {tenant} {id_of(self.kind, number)}: {more}")


_DEFAULTS = {"base_amount": "0"}


async def _rejected(history: History, truth: Truth, ask: Ask, check_result: CheckResult) -> None:
    """Each rejected item is kept, as it was sent, under its tenant; nothing else is."""
    raws: dict[str, set[str]] = {tenant: set() for tenant in history.sent}
    coordinates: Counter[tuple[str, int, int]] = Counter()
    dead_letters: Counter[tuple[Any, ...]] = Counter()
    query = (
        "SELECT tenant, raw, topic, partition, toString(offset), request_id, toString(position) "
        "FROM fasttrack.rejected"
    )
    async for tenant, raw, topic, partition, offset, request, position in ask(query):
        check_result.checked["rejected"] += 1
        dead_letters[tenant, request, position, topic, partition, offset] += 1
        raws.setdefault(tenant, set()).add(raw)
        if topic:
            coordinates[topic, partition, int(offset)] += 1
    for dead_letter, count in dead_letters.items():
        if count > 1:
            check_result.find("duplicated", f"rejected {dead_letter}: {count} rows")
    _compare("rejected", set(coordinates), truth.refused, check_result)
    for tenant, sent in history.sent.items():
        _raws(tenant, sent, raws[tenant], check_result)


def _raws(tenant: str, sent: Sent, kept: set[str], check_result: CheckResult) -> None:
    known: set[str] = set()
    for (kind, number), versions in sent.attempted.items():
        for version in (Version.INVALID, Version.RUBBISH):
            if has(versions, version):
                item = Item(kind, number, version)
                texts = {item_text(tenant, item), data_text(tenant, item)}
                known |= texts
                acknowledged = sent.acknowledged.get((kind, number), 0)
                if has(acknowledged, version) and not texts & kept:
                    check_result.find("lost", f"rejected {tenant} {id_of(kind, number)}")
    for raw in kept - known:
        check_result.find("invented", f"rejected {tenant} {raw[:80]}")


async def _conflicts(truth: Truth, ask: Ask, check_result: CheckResult) -> None:
    coordinates: Counter[tuple[str, int, int]] = Counter()
    query = "SELECT topic, partition, toString(offset) FROM fasttrack.conflicts"
    async for topic, partition, offset in ask(query):
        check_result.checked["conflicts"] += 1
        coordinates[topic, partition, int(offset)] += 1
    _compare("conflicts", set(coordinates), truth.conflicts, check_result)
    for coordinate, count in coordinates.items():
        if count > 1:
            check_result.find("duplicated", f"conflicts {coordinate}: {count} rows")


def _compare(
    view: str,
    found: set[tuple[str, int, int]],
    true: set[tuple[str, int, int]],
    check_result: CheckResult,
) -> None:
    for coordinate in true - found:
        check_result.find("lost", f"{view} {coordinate}")
    for coordinate in found - true:
        check_result.find("invented", f"{view} {coordinate}")


async def _ledger(truth: Truth, ask: Ask, check_result: CheckResult) -> None:
    """Ranges join from the first offset to the last, and each has the true sums."""
    ranges: dict[tuple[str, int], list[list[int]]] = {}
    query = (
        "SELECT topic, partition, toString(first), toString(last), toString(stored), "
        "toString(duplicates), toString(conflicts), toString(rejected), toString(moved), "
        "toString(generation) "
        "FROM fasttrack.ledger ORDER BY topic, partition, first, last"
    )
    async for topic, partition, *numbers in ask(query):
        check_result.checked["ledger ranges"] += 1
        ranges.setdefault((topic, partition), []).append([int(number) for number in numbers])
    for coordinate, outcomes in truth.outcomes.items():
        end = truth.ends.get(coordinate, len(outcomes))
        _chain(coordinate, (outcomes, end), ranges.pop(coordinate, []), check_result)
    for coordinate in ranges:
        check_result.find("invented", f"ledger ranges of {coordinate}")


def _chain(
    coordinate: tuple[str, int],
    held: tuple[bytearray, int],
    ranges: list[list[int]],
    check_result: CheckResult,
) -> None:
    outcomes, end = held
    following = 0
    for first, last, *reported, _generation in ranges:
        if first != following:
            what = "gap" if first > following else "overlap"
            check_result.find(
                "unaccounted", f"{coordinate} {what}: {following} expected, {first} to {last}"
            )
        following = max(following, last + 1)
        true = tally(outcomes, first, last)
        if tuple(reported) != true:
            check_result.find(
                "unaccounted",
                f"{coordinate} {first} to {last}: "
                f"{dict(zip(OUTCOMES, reported, strict=True))}, true {true}",
            )
    # After the last record there may be markers and aborted records, which no consumer gets.
    if not len(outcomes) <= following <= end:
        what = (
            f"{coordinate} ends at {following}, its records at {len(outcomes)}, the topic at {end}"
        )
        check_result.find("unaccounted", what)
    check_result.checked["offsets"] += len(outcomes)


def sums(truth: Truth) -> Counter[str]:
    """How many records of the event topics truly had each outcome."""
    total: Counter[str] = Counter()
    for (topic, _), outcomes in truth.outcomes.items():
        if topic != REJECTED_TOPIC:
            total.update(dict(zip(OUTCOMES, tally(outcomes, 0, len(outcomes)), strict=True)))
    return total
