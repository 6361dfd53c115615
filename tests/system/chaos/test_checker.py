"""The checker finds and names each fault that is put into a store by hand."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from events.contract.registry import EVENT_TYPES, REJECTED_TOPIC
from tests.system.chaos.checker import CheckResult, check
from tests.system.chaos.content import Item, Version, columns, id_of, item_text, row_of
from tests.system.chaos.history import History
from tests.system.chaos.topics import Truth

CASINO = 0
TOPIC = EVENT_TYPES[CASINO].topic
FIRST, OTHER, BAD = (
    Item(CASINO, 1, Version.FIRST),
    Item(CASINO, 1, Version.OTHER),
    Item(CASINO, 2, Version.INVALID),
)

Tables = dict[str, list[list[Any]]]


def view(tenant: str, item: Item) -> list[Any]:
    """A row of the casino view."""
    row = row_of(tenant, item)
    return [tenant, *(row.get(name) for name in columns(CASINO))]


def tables() -> Tables:
    """What a right store holds of alpha's three items, and of beta's one under the same id."""
    return {
        "casino": [view("alpha", FIRST), view("beta", FIRST)],
        "rejected": [["alpha", item_text("alpha", BAD), "", None, None, "request", "1"]],
        "conflicts": [[TOPIC, 0, "1"]],
        "ledger": [
            [TOPIC, 0, "0", "1", "1", "0", "1", "0", "0", "1"],
            [TOPIC, 0, "2", "2", "1", "0", "0", "0", "0", "1"],
            [REJECTED_TOPIC, 0, "0", "0", "1", "0", "0", "0", "0", "1"],
        ],
    }


async def judge(tmp_path: Path, held: Tables) -> CheckResult:
    """The result for a store that holds *held*."""
    history = History(tmp_path / "history.jsonl")
    for tenant, items in (("alpha", [FIRST, OTHER, BAD]), ("beta", [FIRST])):
        history.batch("client", tenant, items)
        history.acknowledged(tenant, items)
    history.close()
    truth = Truth(
        firsts={
            ("alpha", CASINO, 1): [(1000, 0, Version.FIRST)],
            ("beta", CASINO, 1): [(1001, 2, Version.FIRST)],
        },
        outcomes={(TOPIC, 0): bytearray([0, 2, 0]), (REJECTED_TOPIC, 0): bytearray([0])},
        conflicts={(TOPIC, 0, 1)},
    )

    async def ask(query: str) -> AsyncIterator[list[Any]]:
        name = query.partition(" FROM fasttrack.")[2].partition(" ")[0]
        for row in held.get(name, []):
            yield row

    return await check(history, truth, ask)


def drop(name: str, row: int) -> Callable[[Tables], None]:
    """Remove a row."""

    def do(held: Tables) -> None:
        del held[name][row]

    return do


def add(name: str, row: list[Any]) -> Callable[[Tables], None]:
    """Add a row."""

    def do(held: Tables) -> None:
        held[name].append(row)

    return do


def alter(name: str, row: int, column: int, value: Any) -> Callable[[Tables], None]:
    """Change one value."""

    def do(held: Tables) -> None:
        held[name][row][column] = value

    return do


AMOUNT = 1 + list(columns(CASINO)).index("amount")


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        (drop("casino", 0), "lost"),
        (drop("rejected", 0), "lost"),
        (drop("conflicts", 0), "lost"),
        (drop("ledger", 1), "unaccounted"),
        (add("casino", view("alpha", FIRST)), "duplicated"),
        (add("conflicts", [TOPIC, 0, "1"]), "duplicated"),
        (add("casino", view("alpha", Item(CASINO, 77, Version.FIRST))), "invented"),
        (add("conflicts", [TOPIC, 0, "2"]), "invented"),
        (add("rejected", ["alpha", "never sent", "", None, None, "other", "2"]), "invented"),
        (add("ledger", [TOPIC, 0, "2", "2", "1", "0", "0", "0", "0", "2"]), "unaccounted"),
        (alter("casino", 0, 0, "beta"), "leaked"),
        (alter("casino", 0, AMOUNT, "1"), "altered"),
        (alter("ledger", 0, 4, "2"), "unaccounted"),
    ],
)
async def test_a_fault_made_by_hand_is_found(
    wrong: Callable[[Tables], None], finding: str, tmp_path: Path
) -> None:
    """Each kind of fault has its name."""
    held = copy.deepcopy(tables())
    wrong(held)

    assert (await judge(tmp_path, held)).found[finding] > 0


async def test_a_right_store_is_clean(tmp_path: Path) -> None:
    """Nothing is found where nothing is wrong."""
    assert (await judge(tmp_path, tables())).examples == {}


async def test_the_content_that_did_not_come_first_is_altered(tmp_path: Path) -> None:
    """It was sent, but another version of the id was appended before it."""
    held = tables()
    held["casino"][0] = view("alpha", OTHER)

    assert (await judge(tmp_path, held)).examples["altered"] == [
        f"casino alpha {id_of(CASINO, 1)}: OTHER did not come first"
    ]
