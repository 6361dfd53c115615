"""Health, metrics and documents: what operators and integrators look at."""

from __future__ import annotations

import json
import logging
import re

import pytest
from jsonschema import Draft202012Validator

from events.contract.registry import EVENT_TYPES
from ingest_http.answers import KINDS, NOT_FOUND
from ingest_http.http.openapi import openapi_document
from ingest_http.http.routes import BULK_PATH
from ingest_http.logs import JsonLines, Thinned
from ingest_http.metrics import ApiMetrics
from tests.ingest_http.running_api import RunningApi, StartApi, casino

ITEM_METRICS = re.compile(
    r'railhead_door_(\w+)_total{event="([^"]+)",(?:fate|reason)="(\w+)",tenant="acme"} (.+)'
)
PAGE_FILES = re.compile(r'(?:src|href)="([^"]+)"')


async def test_live_says_so_even_without_a_broker(acme: RunningApi) -> None:
    """A restart would not help."""
    acme.memory.not_ready = "no broker"

    assert (await acme.ask("GET", "/health/live")).status == 200


async def test_ready_says_what_is_missing(acme: RunningApi) -> None:
    """200 only while a batch would be stored."""
    assert (await acme.ask("GET", "/health/ready")).json() == {"ready": True, "reasons": []}

    acme.memory.not_ready = "no broker"
    acme.ingest.draining = True
    answer = await acme.ask("GET", "/health/ready")

    assert answer.status == 503
    assert answer.json()["reasons"] == ["this process is shutting down", "Kafka: no broker"]


async def test_metrics_count_each_item_once(acme: RunningApi) -> None:
    """Stored, rejected and not stored, by tenant and type."""
    await acme.post_items([casino("a"), casino("b"), casino("c", type="gamble"), {"event": "x\ny"}])
    acme.memory.refused_topics.add("fasttrack.realtime-casino")
    await acme.post_items([casino("d")])

    page = (await acme.ask("GET", "/metrics")).body.decode()

    assert {
        ("items", "realtime-casino", "stored", "2.0"),
        ("items", "realtime-casino", "not_stored", "1.0"),
        ("items", "other", "rejected", "2.0"),
        ("rejected_items", "realtime-casino", "not_allowed", "1.0"),
        ("rejected_items", "other", "unknown_event", "1.0"),
    } == set(ITEM_METRICS.findall(page))
    assert 'railhead_door_answers_total{code="",status="204"} 1.0' in page
    assert 'railhead_door_answers_total{code="not_stored",status="510"} 1.0' in page


async def test_metrics_have_a_port_of_their_own_if_configured(start_api: StartApi) -> None:
    """Then the main port shows none; health is on both."""
    async with start_api(metrics_port=0) as api:
        own = f"http://127.0.0.1:{api.ports.metrics}"

        assert (await api.ask("GET", "/metrics")).status == 404
        for path in ("/metrics", "/health/live", "/health/ready"):
            async with api.client.get(own + path) as answer:
                assert answer.status == 200
        async with api.client.post(own + BULK_PATH, json=[]) as answer:
            assert answer.status == 404


def test_every_metric_is_documented() -> None:
    """Name, kind, meaning; a unit or a count in the name."""
    for name, kind, meaning, _ in ApiMetrics().documented():
        assert name.startswith("railhead_door_")
        assert kind in {"counter", "gauge", "histogram"}
        assert meaning.endswith((".", "0."))


async def test_openapi_holds_the_contracts_schema_and_every_answer(acme: RunningApi) -> None:
    """Generated, so the documentation cannot differ from the check."""
    document = (await acme.ask("GET", "/openapi.json")).json()

    post_items = document["paths"][BULK_PATH]["post"]
    body = post_items["requestBody"]["content"]["application/json"]
    Draft202012Validator.check_schema(body["schema"])
    for example in body["examples"].values():
        Draft202012Validator(body["schema"]).validate(example["value"])
    assert set(body["examples"]) == {"mixed", *(row.name for row in EVENT_TYPES)}
    assert {int(status) for status in post_items["responses"]} == {200, 204} | {
        kind.status for kind in KINDS if kind is not NOT_FOUND
    }


async def test_examples_of_the_document_are_stored(acme: RunningApi) -> None:
    """What the page shows works."""
    body = openapi_document()["paths"][BULK_PATH]["post"]["requestBody"]["content"]

    answer = await acme.post_items(
        body["application/json"]["examples"]["mixed"]["value"], "?report=1"
    )

    assert answer.json()["counts"] == {"accepted": len(EVENT_TYPES)}


async def test_docs_page_loads_everything_from_the_api(acme: RunningApi) -> None:
    """Nothing is loaded from the internet, and no inline script may run."""
    page = await acme.ask("GET", "/docs")

    assert page.status == 200
    assert b"//" not in page.body.replace(b"<!doctype", b"")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert b"<script>" not in page.body
    for path in PAGE_FILES.findall(page.body.decode()):
        answer = await acme.ask("GET", f"/{path}")
        assert answer.status == 200, path
        assert answer.headers["Content-Type"].partition(";")[0] != "text/plain"


async def test_head_is_answered_like_get_without_the_body(acme: RunningApi) -> None:
    """Probes use it."""
    answer = await acme.ask("HEAD", "/health/ready")

    assert answer.status == 200
    assert answer.body == b""


async def test_neither_key_nor_values_are_logged(
    acme: RunningApi, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the outcome of the request."""
    caplog.set_level(logging.DEBUG)
    acme.memory.refused_topics.add("fasttrack.realtime-casino")

    await acme.post_items([casino("secret-id"), casino("x", type="secret-value")], "?report=1")
    await acme.post_items(b"secret-body")
    await acme.post_items([], x_api_key="rh_aaaaaaaa_secret-key-secret-key-secret")

    lines = [
        JsonLines().format(record) for record in caplog.records if record.name.startswith("ingest")
    ]
    assert lines
    for line in lines:
        assert acme.key not in line
        assert "secret" not in line
        assert json.loads(line)["level"]


async def test_refusals_are_logged_with_the_requests_id(
    acme: RunningApi, caplog: pytest.LogCaptureFixture
) -> None:
    """So that a client's question can be answered."""
    caplog.set_level(logging.INFO)

    await acme.post_items({}, X_Request_Id="r-42")

    (record,) = [one for one in caplog.records if one.message == "refused"]
    line = json.loads(JsonLines().format(record))
    assert line["request_id"] == "r-42"
    assert line["code"] == "not_a_batch"


@pytest.mark.parametrize("text", ["a\x1b[2J", "a\nb", "a\x9bb", "a\u202eb", "a\u2028b", "a\udc80b"])
def test_a_log_line_is_one_line_of_plain_text(text: str) -> None:
    """Whatever a client sent, it neither ends the line nor controls a terminal."""
    record = logging.makeLogRecord({"msg": "refused %s", "args": (text,), "tenant": text})

    line = JsonLines().format(record)

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["tenant"] == text


def test_many_equal_lines_are_thinned_out() -> None:
    """And what was left out is counted."""
    thinned = Thinned(lines_per_second=3)
    record = logging.makeLogRecord({"pathname": "a.py", "lineno": 1})

    assert [thinned.filter(record) for _ in range(5)].count(True) in {3, 4, 5}
    assert thinned.filter(logging.makeLogRecord({"pathname": "b.py", "lineno": 1}))
