"""Every event type is complete; the tests list what a new one still lacks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from events.check.check import check_items
from events.contract.examples import example_text
from events.contract.models import EventData
from events.contract.registry import BY_NAME, BY_TOPIC, EVENT_TYPES, REJECTED_TOPIC, EventType
from tests.events.oracle import PUBLISHED

ROOT = Path(__file__).parents[2]


def lacks(row: EventType) -> list[str]:
    """Name what is missing for *row* to work from the ingest API to the analysts."""
    return [what for what, present in _needs(row).items() if not present]


def _needs(row: EventType) -> dict[str, bool]:
    names = set(row.model.model_fields)
    return {
        "a model in events/contract/models.py derived from EventData": issubclass(
            row.model, EventData
        ),
        "id_fields that are fields of its model": bool(row.id_fields)
        and names >= set(row.id_fields),
        f"a valid example in events/contract/examples/{row.name}.json": _has_valid_example(row),
        f"CREATE TABLE fasttrack_store.{row.table} in sinks/migrations": _creates_table(row.table),
        f"a column _incarnation of fasttrack_store.{row.table} in sinks/migrations": (
            _has_incarnation(row.table)
        ),
        f"the view fasttrack.{row.table} in sinks/views": _creates_view(row.table),
        "a branch of the view fasttrack.player_timeline in sinks/views/05_players.sql": (
            _is_in_timeline(row)
        ),
        "its schema, from the contract's page, in tests/events/published_schema.json": (
            row.name in _published()
        ),
        "golden hashes in tests/streams/dedup/golden_hashes.json": row.name in _golden(),
        "items of the demo in demo/traffic/item_texts.py": _mentions(
            "demo/traffic/item_texts.py", f'"event":"{row.name}"'
        ),
        "content for chaos runs in tests/system/chaos/content.py": _mentions(
            "tests/system/chaos/content.py", f"def _{row.table}("
        ),
        "a row in docs/reference.md (make tables)": _mentions("docs/reference.md", f"`{row.name}`"),
    }


def _has_valid_example(row: EventType) -> bool:
    try:
        checked = check_items([example_text(row).encode()])
    except FileNotFoundError:
        return False
    return [one.type for one in checked.accepted] == [row]


def _creates_table(table: str) -> bool:
    pattern = rf"CREATE TABLE (IF NOT EXISTS )?fasttrack_store\.{table}\b"
    return _stands_in("sinks/migrations", pattern)


def _creates_view(table: str) -> bool:
    return _stands_in("sinks/views", rf"VIEW (IF NOT EXISTS )?fasttrack\.{table}\b")


def _stands_in(folder: str, pattern: str) -> bool:
    return any(re.search(pattern, file.read_text()) for file in (ROOT / folder).glob("*.sql"))


def _has_incarnation(table: str) -> bool:
    pattern = rf"TABLE (IF NOT EXISTS )?fasttrack_store\.{table}\b[^;]*\b_incarnation\b"
    return _stands_in("sinks/migrations", pattern)


def _is_in_timeline(row: EventType) -> bool:
    views = (ROOT / "sinks/views/05_players.sql").read_text()
    timeline = views.split("-- step: player_timeline")[1]
    return f"'{row.name}'" in timeline and f"FROM fasttrack.{row.table}\n" in f"{timeline}\n"


def _published() -> set[str]:
    branches = PUBLISHED["items"]["anyOf"]
    return {name for branch in branches for name in branch["properties"]["event"]["enum"]}


def _golden() -> set[str]:
    cases = json.loads((ROOT / "tests/streams/dedup/golden_hashes.json").read_text())
    return {case["event"] for case in cases}


def _mentions(file: str, text: str) -> bool:
    return text in (ROOT / file).read_text()


@pytest.mark.parametrize("row", EVENT_TYPES, ids=lambda row: row.name)
def test_an_event_type_lacks_nothing(row: EventType) -> None:
    """A seventh type needs these and no more; CONTRIBUTING.md explains them."""
    assert lacks(row) == []


def test_an_incomplete_type_is_listed_with_what_it_lacks() -> None:
    """The message names every file to write."""
    cart = EventType("realtime-cart", EVENT_TYPES[0].model, "cart", ("unique_id",), "Carts")

    missing = lacks(cart)

    assert missing == [
        what for what in _needs(cart) if "id_fields" not in what and "model" not in what
    ]
    assert len(missing) == 10
    assert "a valid example in events/contract/examples/realtime-cart.json" in missing
    assert "CREATE TABLE fasttrack_store.cart in sinks/migrations" in missing


def test_no_two_types_share_a_name_a_topic_or_a_table() -> None:
    """Each of these alone identifies a row."""
    count = len(EVENT_TYPES)

    assert len(BY_NAME) == len(BY_TOPIC) == len({row.table for row in EVENT_TYPES}) == count
    assert REJECTED_TOPIC not in BY_TOPIC


def test_topics_tables_and_ids_are_those_users_know() -> None:
    """Clients and analysts rely on these names."""
    assert [(row.topic, row.table, row.id_fields) for row in EVENT_TYPES] == [
        ("fasttrack.realtime-casino", "casino", ("unique_id",)),
        ("fasttrack.realtime-payment", "payment", ("payment_id",)),
        ("fasttrack.realtime-registration", "registration", ("unique_id",)),
        ("fasttrack.realtime-gameround", "gameround", ("unique_id",)),
        ("fasttrack.realtime-sports-bet", "sports_bet", ("activity_id",)),
        ("fasttrack.realtime-login", "login", ("unique_id",)),
    ]
