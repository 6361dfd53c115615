"""What a client is answered, by situation."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import orjson
import pytest

from ingest_http.http.routes import BULK_PATH
from tests.ingest_http.running_api import RunningApi, StartApi, casino

CASINO_TOPIC = "fasttrack.realtime-casino"
REJECTED_TOPIC = "fasttrack.rejected"


async def test_valid_batch_is_204_without_a_body(acme: RunningApi) -> None:
    """Success has no body."""
    answer = await acme.post_items([casino("a")])

    assert answer.status == 204
    assert answer.body == b""
    assert "Content-Type" not in answer.headers


async def test_record_is_the_item_as_it_was_sent(acme: RunningApi) -> None:
    """Key `TENANT:ID`, the item's own bytes, and three headers."""
    item = (
        b'{ "event":"realtime-casino",  "data": ' + json.dumps(casino("a")["data"]).encode() + b"}"
    )

    await acme.post_items(b"[" + item + b"]", X_Request_Id="r-1")

    (record,) = acme.memory.topics[CASINO_TOPIC]
    assert record.key == b"acme:a"
    assert record.value == item
    headers = dict(record.headers)
    assert headers["tenant"] == b"acme"
    assert headers["request_id"] == b"r-1"
    assert len(headers["received_at"]) == len("2026-01-02T03:04:05.678Z")


async def test_empty_batch_is_204(acme: RunningApi) -> None:
    """Nothing to store is stored at once."""
    assert (await acme.post_items([])).status == 204


async def test_batch_of_invalid_items_only_is_204_and_all_are_kept(acme: RunningApi) -> None:
    """Invalid items are not events, but they are kept as dead letters."""
    answer = await acme.post_items(
        [casino("a", amount="0.5"), {"event": "realtime-cart", "data": {}}, 7]
    )

    assert answer.status == 204
    kept = [orjson.loads(record.value) for record in acme.memory.topics[REJECTED_TOPIC]]
    assert [(one["position"], one["reason"], one["field"]) for one in kept] == [
        (0, "wrong_type", "data.amount"),
        (1, "unknown_event", "event"),
        (2, "not_an_object", None),
    ]
    assert json.loads(kept[0]["raw"]) == casino("a", amount="0.5")
    assert {one["tenant"] for one in kept} == {"acme"}
    assert acme.memory.topics[CASINO_TOPIC] == []


async def test_one_invalid_item_leaves_its_neighbours_alone(acme: RunningApi) -> None:
    """Each item is judged alone."""
    answer = await acme.post_items([casino("a"), casino("b", type="gamble"), casino("c")])

    assert answer.status == 204
    assert [one.key for one in acme.memory.topics[CASINO_TOPIC]] == [b"acme:a", b"acme:c"]
    assert len(acme.memory.topics[REJECTED_TOPIC]) == 1


async def test_item_that_is_not_utf8_is_kept_as_base64(acme: RunningApi) -> None:
    """Raw bytes are kept whatever they are."""
    answer = await acme.post_items(b'[{"event":"\xff"}]')

    assert answer.status == 204
    (kept,) = acme.memory.topics[REJECTED_TOPIC]
    assert orjson.loads(kept.value)["raw_base64"] == "eyJldmVudCI6Iv8ifQ=="
    assert "raw" not in orjson.loads(kept.value)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),
        (b"{}", "not a JSON array"),
        (b'"x"', "not a JSON array"),
        (b"[1,", ""),
        (b"[1]]", ""),
        (b"nonsense", "not a JSON array"),
    ],
)
async def test_body_that_is_not_an_array_is_422(acme: RunningApi, body: bytes, why: str) -> None:
    """422 is for bodies that cannot be split into items, and says why."""
    answer = await acme.post_items(body)

    assert answer.status == 422
    refusal = answer.json()
    assert refusal["error"] == "not_a_batch"
    assert why in refusal["message"]
    assert refusal["request_id"] == answer.headers["X-Request-Id"]


async def test_nothing_is_stored_of_a_refused_body(acme: RunningApi) -> None:
    """A refusal is about the whole batch."""
    await acme.post_items(b"[" + json.dumps(casino("a")).encode() + b",")

    assert not acme.memory.topics


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-ndjson", "multipart/form-data"]
)
async def test_other_media_types_are_415(acme: RunningApi, media_type: str) -> None:
    """The ingest API accepts JSON."""
    answer = await acme.post_items(b"[]", content_type=media_type)

    assert answer.status == 415
    assert answer.json()["error"] == "media_type"


@pytest.mark.parametrize("media_type", ["application/json", "application/json; charset=UTF-8"])
async def test_charset_is_ignored(acme: RunningApi, media_type: str) -> None:
    """JSON is UTF-8 whatever the header says."""
    assert (await acme.post_items(b"[]", content_type=media_type)).status == 204


async def test_missing_media_type_is_taken_as_json(acme: RunningApi) -> None:
    """Nothing else is accepted here."""
    answer = await acme.ask(
        "POST",
        BULK_PATH,
        data=b"[]",
        headers={"x-api-key": acme.key},
        skip_auto_headers=["Content-Type"],
    )

    assert answer.status == 204


async def test_other_methods_are_405_and_say_which_to_use(acme: RunningApi) -> None:
    """Also for a PUT without a key: the path is known."""
    answer = await acme.ask("PUT", BULK_PATH, data=b"[]")

    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.json()["error"] == "method_not_allowed"


async def test_unknown_path_is_404_with_a_json_body(acme: RunningApi) -> None:
    """Every error has the same form."""
    answer = await acme.ask("GET", "/api/v2")

    assert answer.status == 404
    assert set(answer.json()) == {"error", "message", "request_id"}


async def test_more_items_than_allowed_is_413(start_api: StartApi) -> None:
    """The answer names the limit."""
    async with start_api(max_items=3) as api:
        assert (await api.post_items([1, 2, 3])).status == 204
        answer = await api.post_items([1, 2, 3, 4])

        assert answer.status == 413
        assert answer.json()["limit_items"] == 3


async def test_ten_thousand_items_are_taken(acme: RunningApi) -> None:
    """The largest batch a client makes; it is checked in several chunks."""
    items = [casino(str(number)) for number in range(10_000)]
    items[5_000] = casino("bad", type="gamble")

    assert (await acme.post_items(items)).status == 204
    assert len(acme.memory.topics[CASINO_TOPIC]) == 9_999
    (kept,) = acme.memory.topics[REJECTED_TOPIC]
    assert orjson.loads(kept.value)["position"] == 5_000


async def test_body_larger_than_allowed_is_413_before_it_is_sent(start_api: StartApi) -> None:
    """Content-Length is enough to refuse."""
    async with start_api(max_body_bytes=1_000) as api:
        answer = await api.post_items(b" " * 1_001)

        assert answer.status == 413
        assert answer.json()["limit_bytes"] == 1_000


async def test_body_without_a_length_is_counted_while_it_comes(start_api: StartApi) -> None:
    """Chunked bodies have no length to trust."""

    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 100

    async with start_api(max_body_bytes=1_000) as api:
        answer = await api.ask(
            "POST",
            BULK_PATH,
            data=chunks(),
            headers={"x-api-key": api.key, "content-type": "application/json"},
        )

        assert answer.status == 413


async def test_items_that_kafka_did_not_take_are_510_with_their_ids(acme: RunningApi) -> None:
    """The client repeats the batch; the body says which items were lost."""
    acme.memory.refused_topics.add(CASINO_TOPIC)

    answer = await acme.post_items([casino("a"), 7, casino("b")])

    assert answer.status == 510
    assert int(answer.headers["Retry-After"]) >= 1
    body = answer.json()
    assert body["error"] == "not_stored"
    assert body["ids"] == ["a", "b"]
    assert body["positions"] == [0, 2]


async def test_rejected_items_that_kafka_did_not_take_are_510_too(acme: RunningApi) -> None:
    """204 would say that they are kept."""
    acme.memory.refused_topics.add(REJECTED_TOPIC)

    answer = await acme.post_items([casino("a"), 7])

    assert answer.status == 510
    assert answer.json()["positions"] == [1]
    assert answer.json()["ids"] == []


async def test_silent_broker_is_510_at_the_deadline(start_api: StartApi) -> None:
    """A request ends at its deadline, whatever Kafka does."""
    async with start_api(request_deadline_seconds=0.2) as api:
        api.memory.silent_topics.add(CASINO_TOPIC)

        answer = await asyncio.wait_for(api.post_items([casino("a")]), 5)

        assert answer.status == 510
        assert answer.json()["ids"] == ["a"]


async def test_api_that_cannot_store_is_503_before_the_body(acme: RunningApi) -> None:
    """Quickly, and with a time to try again."""
    acme.memory.not_ready = "no broker"

    answer = await acme.post_items([casino("a")])

    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert "no broker" in answer.json()["message"]


async def test_plain_request_id_is_kept_and_any_other_replaced(acme: RunningApi) -> None:
    """It goes into logs and records, so it has to be plain."""
    assert (await acme.post_items([], X_Request_Id="abc-1")).headers["X-Request-Id"] == "abc-1"
    assert (await acme.post_items([], X_Request_Id="a b")).headers["X-Request-Id"] != "a b"
    assert (await acme.post_items([], X_Request_Id="x" * 200)).headers["X-Request-Id"] != "x" * 200
