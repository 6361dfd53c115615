"""What integrators see with report=1 and dry_run=1."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.ingest_http.running_api import RunningApi, casino


async def test_report_has_one_outcome_for_each_item_in_order(acme: RunningApi) -> None:
    """Accepted or rejected, with id or reason."""
    answer = await acme.post_items([casino("a"), 7, casino("b")], "?report=1")

    assert answer.status == 200
    report = answer.json()
    assert report["items"] == 3
    assert report["counts"] == {"accepted": 2, "rejected": 1}
    assert [one["position"] for one in report["outcomes"]] == [0, 1, 2]
    assert [one["outcome"] for one in report["outcomes"]] == ["accepted", "rejected", "accepted"]
    assert report["outcomes"][0]["id"] == "a"
    assert report["outcomes"][1]["reason"] == "not_an_object"


async def test_a_repeat_is_accepted_too(acme: RunningApi) -> None:
    """Whether an id is the first of its kind is found out by the worker, later."""
    twice = [casino("a"), casino("a"), casino("a", amount=7)]

    for _ in range(2):
        report = (await acme.post_items(twice, "?report=1")).json()
        assert report["counts"] == {"accepted": 3}


async def test_dry_run_stores_nothing(acme: RunningApi) -> None:
    """It checks and reports."""
    answer = await acme.post_items([casino("a"), 7], "?dry_run=1")

    assert answer.status == 200
    assert answer.json()["counts"] == {"valid": 1, "invalid": 1}
    assert not acme.memory.topics


async def test_dry_run_works_without_a_broker(acme: RunningApi) -> None:
    """Nothing is sent, so no broker is needed."""
    acme.memory.not_ready = "no broker"

    assert (await acme.post_items([casino("a")], "?dry_run=1")).status == 200


async def test_report_of_an_empty_batch_is_empty(acme: RunningApi) -> None:
    """A request for a report gets one."""
    answer = await acme.post_items([], "?report=1")

    assert answer.status == 200
    assert answer.json()["outcomes"] == []


async def test_report_says_what_was_not_stored(acme: RunningApi) -> None:
    """The status stays 510, because the batch has to be sent again."""
    acme.memory.refused_topics.add("fasttrack.realtime-casino")

    answer = await acme.post_items([casino("a"), 7], "?report=1")

    assert answer.status == 510
    outcomes = answer.json()["outcomes"]
    assert [one["outcome"] for one in outcomes] == ["not_stored", "rejected"]


async def test_large_report_names_every_position_once(acme: RunningApi) -> None:
    """Also when the batch is checked in several chunks."""
    items = [casino(str(number)) if number % 10 else number for number in range(6_000)]

    report = (await acme.post_items(items, "?report=1")).json()

    assert [one["position"] for one in report["outcomes"]] == list(range(6_000))
    assert report["counts"] == {"accepted": 5_400, "rejected": 600}


NOISY = {"amount": 0.0035999999999999995, "entry_timestamp": "0001-01-01T00:00:00Z"}
ADJUSTED = {"amount_rounded": 1, "time_unset": 1}


@pytest.mark.parametrize("query", ["?report=1", "?dry_run=1"])
async def test_report_says_which_values_are_adjusted(acme: RunningApi, query: str) -> None:
    """For each item, at any position in the batch."""
    items = [casino(str(number)) for number in range(3_000)]
    for position in (1, 2_999):
        items[position] = casino(str(position), **NOISY)

    outcomes = (await acme.post_items(items, query)).json()["outcomes"]

    adjusted = {one["position"]: one["adjusted"] for one in outcomes if "adjusted" in one}
    assert adjusted == {1: ADJUSTED, 2_999: ADJUSTED}


async def test_adjusted_values_are_counted_by_tenant_once_acknowledged(acme: RunningApi) -> None:
    """A dry run stores nothing, and what Kafka did not take is sent again."""
    page = acme.ingest.metrics.registry
    labels = {"tenant": "acme", "event": "realtime-casino", "adjustment": "time_unset"}

    await acme.post_items([casino("a", **NOISY), casino("b", **NOISY), casino("c")])
    await acme.post_items([casino("d", **NOISY)], "?dry_run=1")
    acme.memory.refused_topics.add("fasttrack.realtime-casino")
    answer = await acme.post_items([casino("e", **NOISY)])

    assert answer.status == 510
    assert page.get_sample_value("railhead_door_adjusted_values_total", labels) == 2


async def test_an_adjusted_item_is_published_as_it_was_sent(acme: RunningApi) -> None:
    """The worker reads it by the same rule, which may change one day."""
    body = json.dumps([casino("a", **NOISY)]).encode()

    assert (await acme.post_items(body)).status == 204

    (record,) = acme.memory.topics["fasttrack.realtime-casino"]
    assert record.value in body


@pytest.mark.parametrize(
    "query",
    [
        "?dryrun=1",
        "?dry_run=maybe",
        "?DRY_RUN=1",
        "?report=1&x=",
        "?dry_run=1&dry_run=2",
        "?report",
    ],
)
async def test_a_parameter_that_is_not_known_stores_nothing(acme: RunningApi, query: str) -> None:
    """A dry run that is mistyped must not become a real one."""
    answer = await acme.post_items([casino("a")], query)

    # An empty value asks for nothing, as in earlier versions.
    assert answer.status == (204 if query == "?report" else 400)
    assert bool(acme.memory.topics) == (query == "?report")


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("?dryrun=1", "There is no parameter dryrun."),
        ("?DRY_RUN=1", "There is no parameter DRY_RUN."),
        ("?report=1&dry-run=1", "There is no parameter dry-run."),
        ("?dry_run=maybe", "The parameter dry_run is neither 1 nor 0."),
        ("?report=2", "The parameter report is neither 1 nor 0."),
        # What may be a key or a payload is not repeated.
        ("?KEY=1", "There is no parameter with such a name."),
        ("?%22a%22%3A=1", "There is no parameter with such a name."),
        ("?=1", "There is no parameter with such a name."),
        ("?" + "x" * 25, "There is no parameter with such a name."),
    ],
)
async def test_a_refusal_names_the_parameter_and_the_known_ones(
    acme: RunningApi, query: str, what: str
) -> None:
    """So that the client's author sees the mistake."""
    answer = await acme.post_items([casino("a")], query.replace("KEY", acme.key))

    assert answer.status == 400
    body = answer.json()
    assert body["error"] == "unknown_parameter"
    assert body["message"].startswith(f"{what} ")
    assert "report and dry_run" in body["message"]
    assert acme.key not in body["message"]


@pytest.mark.parametrize("query", ["", "?report=1", "?dry_run=1"])
@pytest.mark.parametrize(
    ("items", "rejected"),
    [
        ([], 0),
        ([casino("a")], 0),
        ([casino("")], 1),
        ([7, casino("a"), 8, 9], 3),
        ([casino("a") if number % 2 else number for number in range(6_000)], 3_000),
    ],
    ids=["no items", "none", "all", "some", "in several chunks"],
)
async def test_success_says_how_many_items_were_rejected(
    acme: RunningApi, items: list[Any], rejected: int, query: str
) -> None:
    """In a header, as a 204 has no body."""
    answer = await acme.post_items(items, query)

    assert answer.status == (200 if query else 204)
    assert answer.headers["X-Railhead-Rejected"] == str(rejected)
