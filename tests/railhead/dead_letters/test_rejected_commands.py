"""`railhead rejected` and `railhead conflicts` as operators use them, on a whole Railhead."""

from __future__ import annotations

import asyncio
import json
import stat
from importlib import resources
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from tests.railhead.dead_letters.conftest import Brand, bet
from tests.system.e2e.system import System

pytestmark = pytest.mark.e2e


def produce(system: System, tenant: str, value: bytes) -> None:
    """Write one record to the casino topic as a direct producer."""

    async def run() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=system.kafka)
        await producer.start()
        headers = [("tenant", tenant.encode())]
        await producer.send_and_wait("fasttrack.realtime-casino", value, headers=headers)
        await producer.stop()

    asyncio.run(run())


def test_rejected_items_are_found_by_what_is_wrong_with_them(brand: Brand) -> None:
    """Filters combine; the payload is not shown unless asked for."""
    brand.post(
        bet("ok"),
        bet("no-user", user_id=None),
        bet("no-type", type="bonus"),
        '"secret \\u001b[31m"',
    )
    brand.wait("rejected", 3)

    everything = brand.run("rejected", "list", "--tenant", brand.name)
    some = brand.run("rejected", "list", "--tenant", brand.name, "--field", "data.user_id")
    none = brand.run(
        "rejected", "list", "--tenant", brand.name, "--reason", "missing", "--event", "other"
    )

    assert "3 rejected items" in everything
    assert "secret" not in everything
    assert "1 rejected item\n" in some
    assert "data.user_id" in some
    assert none.strip() == "0 rejected items"
    raw = brand.run("rejected", "list", "--tenant", brand.name, "--raw", "--limit", "1")
    assert '"secret \\u001b[31m"' in raw
    assert "3 rejected items, the newest 1 are shown" in raw
    assert max(map(len, everything.splitlines())) <= 80
    listed = brand.run("rejected", "list", "--tenant", brand.name, "--json").splitlines()
    dead_letters = {one["id"]: one for one in brand.dead_letters()}
    assert {one["id"]: one for one in map(json.loads, listed)} == dead_letters


def test_one_item_is_shown_with_everything_about_it(brand: Brand) -> None:
    """Also the bytes of a direct producer's record, exactly as they came."""
    rubbish = b"\xff\xfe rubbish \x1b[31m"
    produce(brand.system, brand.name, rubbish)
    brand.wait("rejected", 1)
    id_ = brand.dead_letters()[0]["id"]

    shown = brand.run("rejected", "show", id_)

    assert "bad_encoding" in shown
    assert "came from   fasttrack.realtime-casino[" in shown
    document = json.loads(brand.run("rejected", "show", id_, "--json"))
    assert document.items() >= {**brand.dead_letters()[0], "times": 1, "sent_again": []}.items()
    assert "ff fe 20 72" in shown
    assert "\x1b" not in shown
    assert brand.dead_letters()[0]["raw_base64"] == "//4gcnViYmlzaCAbWzMxbQ=="
    brand.run("rejected", "show", "0:999999999", code=1)


def test_an_item_that_came_again_is_listed_once_with_its_count(brand: Brand) -> None:
    """FastTrack sends what is invalid again in new requests; filters choose what is counted."""
    bad = bet("again", user_id=None)
    for _ in range(3):
        brand.post(bad)
    brand.post(bet("once", type="bonus"), bad)
    brand.wait("rejected", 5)
    words = ("rejected", "list", "--distinct", "--tenant", brand.name)

    everything = brand.run(*words)
    some = brand.run(*words, "--reason", "not_allowed")
    newest = brand.run(*words, "--limit", "1")
    none = brand.run(*words, "--event", "other")

    assert "2 distinct rejected items" in everything
    assert "1 distinct rejected item\n" in some
    assert "data.type" in some
    assert "2 distinct rejected items, the newest 1 are shown" in newest
    assert none.strip() == "0 distinct rejected items"
    dead_letters = [one for one in brand.dead_letters() if one["field"] == "data.user_id"]
    listed = [json.loads(line) for line in brand.run(*words, "--json").splitlines()]
    assert [one["times"] for one in listed if one["id"] == dead_letters[0]["id"]] == [4]
    assert dead_letters[0]["id"] in everything
    assert '"again"' in brand.run(*words, "--raw")
    for one in dead_letters:
        shown = brand.run("rejected", "show", one["id"])
        assert "times       4" in shown
        assert f"first seen  {dead_letters[0]['received_at'][:23]}" in shown
        assert f"last seen   {dead_letters[-1]['received_at'][:23]}" in shown


def test_an_export_is_a_new_file_of_its_owners(brand: Brand, tmp_path: Path) -> None:
    """It holds players' data; an existing file is not overwritten."""
    brand.post(bet("no-user", user_id=None))
    brand.wait("rejected", 1)
    file = tmp_path / "rejected.csv"
    words = ("rejected", "export", "--tenant", brand.name, "--format", "csv", "--output", str(file))

    brand.run(*words)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_text().splitlines()) == 2
    brand.run(*words, code=1)


def test_a_replay_stores_what_is_valid_now_and_says_why_the_rest_is_not(brand: Brand) -> None:
    """Mended items are stored once, however often they are sent; nothing new is rejected."""
    brand.post(bet("a", user_id=None), bet("b", user_id=None), bet("c", type="bonus"))
    brand.wait("rejected", 3)

    tried = brand.replay("--dry-run", "--set", "user_id=u9", code=1)
    assert "2 would be sent, 1 rejected again, of 3" in brand.said
    document = json.loads(brand.replay("--dry-run", "--set", "user_id=u9", "--json", code=1))
    assert (document["meant"], document["sent"]) == (3, 2)
    assert [one["reason"] for one in document["rejected"]] == ["not_allowed"]
    assert "not_allowed" in tried
    assert brand.system.value(brand.count("casino")) == 0

    brand.replay("--set", "user_id=u9", code=2)
    assert "give --yes" in brand.said

    brand.replay("--set", "user_id=u9", "--yes", "--rate", "1000", code=1)
    assert "2 sent, 1 rejected again, of 3" in brand.said
    brand.wait("casino", 2)

    brand.replay("--set", "user_id=u9", "--yes", code=1)
    assert "0 sent, 1 rejected again, of 1" in brand.said
    brand.replay("--set", "user_id=u9", "--yes", "--again", "--field", "data.user_id")
    assert "2 sent, 0 rejected again, of 2" in brand.said
    dead_letters = brand.dead_letters()
    assert [one["replays"] for one in dead_letters] == [2, 2, 2]
    assert [one["replay_outcome"] for one in dead_letters] == ["sent", "sent", "refused"]
    shown = brand.run("rejected", "show", dead_letters[2]["id"])
    assert "refused: not_allowed data.type" in shown

    brand.run("reconcile", "--type", "realtime-casino", "--type", "rejected")
    assert brand.system.value(brand.count("casino")) == 2
    assert brand.system.value(brand.count("rejected")) == 3


def test_a_direct_producers_record_is_replayed_into_its_topic(brand: Brand) -> None:
    """Bare data becomes a whole item, with the tenant in the header."""
    data = json.dumps(bet("direct", user_id=None)["data"]).encode()
    produce(brand.system, brand.name, data)
    brand.wait("rejected", 1)

    brand.replay("--via", "kafka", code=1)
    assert "0 sent, 1 rejected again" in brand.said
    brand.replay("--via", "kafka", "--set", "user_id=u9", "--yes")

    brand.wait("casino", 1)
    assert brand.system.sql(
        f"SELECT unique_id, user_id FROM fasttrack.casino WHERE tenant = '{brand.name}'"
    ) == [("direct", "u9")]


def test_items_are_sent_with_their_own_tenants_key_only(
    brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another's key they would become another's; several tenants' items are not mixed."""
    brand.post(bet("a", user_id=None))
    brand.wait("rejected", 1)
    id_ = brand.dead_letters()[0]["id"]

    monkeypatch.setenv("RAILHEAD_KEY", brand.system.tenant(f"{brand.name}-other"))
    brand.replay(code=2)
    assert f"the key is not {brand.name}'s: it is {brand.name}-other's" in brand.said
    brand.run("rejected", "replay", "--tenant", "somebody", id_, code=2)
    assert "several tenants' items" in brand.said
    monkeypatch.setenv("RAILHEAD_KEY", "")
    brand.replay(code=2)
    assert "no key" in brand.said
    brand.run("rejected", "replay", code=2)
    assert "say whose items" in brand.said


def test_conflicts_are_shown_side_by_side(brand: Brand) -> None:
    """Only the fields that differ, and where both records lie."""
    brand.post(bet("x", amount=1, round_id="r1"))
    brand.wait("casino", 1)
    brand.post(bet("x", amount=2.5, round_id="r1", timestamp="2026-01-15T12:00:00.5Z"))
    brand.wait("conflicts", 1)

    shown = brand.run("conflicts", "--tenant", brand.name)
    document = json.loads(brand.run("conflicts", "--tenant", brand.name, "--json"))

    assert "1 conflicts" in shown
    assert "round_id" not in shown
    assert document["differences"] == [
        {
            "field": "timestamp",
            "first": "2026-01-15T12:00:00Z",
            "later": "2026-01-15T12:00:00.5Z",
        },
        {"field": "amount", "first": "1", "later": "2.5"},
    ]
    assert brand.run("conflicts", "--tenant", brand.name, "--event", "realtime-login").strip() == (
        "no conflicts"
    )


def test_flags_and_kept_json_are_compared_by_what_they_say(brand: Brand) -> None:
    """A sports bet sent again with the keys of its legs in another order does not differ there."""
    example = (
        resources.files("events.contract.examples").joinpath("realtime-sports-bet.json").read_text()
    )
    slip = json.loads(example)
    brand.post(slip)
    brand.wait("sports_bet", 1)
    slip["data"]["is_cashout"] = True
    slip["data"]["bets"] = [dict(reversed(leg.items())) for leg in slip["data"]["bets"]]
    brand.post(slip)
    brand.wait("conflicts", 1)

    document = json.loads(brand.run("conflicts", "--tenant", brand.name, "--json"))

    assert document["differences"] == [{"field": "is_cashout", "first": "false", "later": "true"}]


def test_items_without_a_tenant_are_sent_once_one_is_named(brand: Brand) -> None:
    """A record without the header `tenant` is valid except for its owner."""
    unique_id = f"orphan-{brand.name}"
    produce(brand.system, "", json.dumps(bet(unique_id)).encode())
    raw = f"SELECT count() FROM fasttrack.rejected WHERE position(raw, '{unique_id}') > 0"
    brand.system.wait_value(raw, 1)
    lines = brand.run("rejected", "export", "--reason", "no_tenant").splitlines()
    (dead_letter,) = [one for one in map(json.loads, lines) if unique_id in (one["raw"] or "")]

    brand.run("rejected", "replay", dead_letter["id"], "--url", brand.system.url, code=2)
    assert "--as-tenant" in brand.said
    options = ("--url", brand.system.url, "--as-tenant", brand.name)
    brand.run("rejected", "replay", dead_letter["id"], *options)

    brand.wait("casino", 1)
