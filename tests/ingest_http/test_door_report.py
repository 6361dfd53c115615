"""What integrators see with ?report=1 and ?dry_run=1."""

from __future__ import annotations

from tests.ingest_http.doors import OpenDoor, casino


async def test_report_has_one_outcome_for_each_item_in_order(acme: OpenDoor) -> None:
    """Stored or rejected, with id or reason."""
    answer = await acme.push([casino("a"), 7, casino("b")], "?report=1")

    assert answer.status == 200
    told = answer.json()
    assert told["items"] == 3
    assert told["counts"] == {"stored": 2, "rejected": 1}
    assert [one["position"] for one in told["outcomes"]] == [0, 1, 2]
    assert [one["outcome"] for one in told["outcomes"]] == ["stored", "rejected", "stored"]
    assert told["outcomes"][0]["id"] == "a"
    assert told["outcomes"][1]["reason"] == "not_an_object"


async def test_dry_run_stores_nothing(acme: OpenDoor) -> None:
    """It checks and tells."""
    answer = await acme.push([casino("a"), 7], "?dry_run=1")

    assert answer.status == 200
    assert answer.json()["counts"] == {"valid": 1, "invalid": 1}
    assert not acme.memory.topics


async def test_dry_run_works_without_a_broker(acme: OpenDoor) -> None:
    """Nothing is sent, so nothing need be there."""
    acme.memory.not_ready = "no broker"

    assert (await acme.push([casino("a")], "?dry_run=1")).status == 200


async def test_report_of_an_empty_batch_is_empty(acme: OpenDoor) -> None:
    """Asked for a report, the answer is one."""
    answer = await acme.push([], "?report=1")

    assert answer.status == 200
    assert answer.json()["outcomes"] == []


async def test_report_tells_what_was_not_stored(acme: OpenDoor) -> None:
    """The status stays 510, for the batch has to be sent again."""
    acme.memory.refused_topics.add("fasttrack.realtime-casino")

    answer = await acme.push([casino("a"), 7], "?report=1")

    assert answer.status == 510
    outcomes = answer.json()["outcomes"]
    assert [one["outcome"] for one in outcomes] == ["not_stored", "rejected"]


async def test_large_report_names_every_position_once(acme: OpenDoor) -> None:
    """Also when the batch is checked in several slices."""
    items = [casino(str(number)) if number % 10 else number for number in range(6_000)]

    told = (await acme.push(items, "?report=1")).json()

    assert [one["position"] for one in told["outcomes"]] == list(range(6_000))
    assert told["counts"] == {"stored": 5_400, "rejected": 600}
