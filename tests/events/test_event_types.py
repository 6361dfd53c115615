"""Is every event type complete? Tells what a new one still lacks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from events.check.check import check_items
from events.contract.examples import example_text
from events.contract.models import EventData
from events.contract.registry import BY_NAME, BY_TOPIC, EVENT_TYPES, REJECTED_TOPIC, EventType

ROOT = Path(__file__).parents[2]


def lacks(row: EventType) -> list[str]:
    """Name what is missing for *row* to work from the door to the analysts."""
    return [what for what, there in _needs(row).items() if not there]


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
        f"the view fasttrack.{row.table} in sinks/views": _creates_view(row.table),
        "a mention in README.md": _is_mentioned(row.name),
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


def _is_mentioned(name: str) -> bool:
    readme = ROOT / "README.md"
    return not readme.exists() or name in readme.read_text()


@pytest.mark.parametrize("row", EVENT_TYPES, ids=lambda row: row.name)
def test_an_event_type_lacks_nothing(row: EventType) -> None:
    """Model, row, example, table, view and README: a seventh type needs these and no more."""
    assert lacks(row) == []


def test_a_half_made_type_is_told_what_it_lacks() -> None:
    """The message names the files to write."""
    cart = EventType("realtime-cart", EVENT_TYPES[0].model, "cart", ("unique_id",), "Carts")

    missing = lacks(cart)

    assert "a valid example in events/contract/examples/realtime-cart.json" in missing
    assert "CREATE TABLE fasttrack_store.cart in sinks/migrations" in missing


def test_no_two_types_share_a_name_a_topic_or_a_table() -> None:
    """Rows are told apart by each of these."""
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
