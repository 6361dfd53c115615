"""Health, metrics and documents: what operators and integrators look at."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from prometheus_client.metrics import MetricWrapperBase
from schemathesis.specs.openapi.definitions import OPENAPI_31

from events.contract.reasons import REASONS
from events.contract.registry import EVENT_TYPES
from events.contract.schema import bulk_schema
from ingest_http.answers import KINDS, NOT_FOUND, ApiError
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
    metrics = [one for one in vars(ApiMetrics()).values() if isinstance(one, MetricWrapperBase)]
    families = [family for metric in metrics for family in metric.collect()]

    assert families
    for family in families:
        assert family.name.startswith("railhead_door_")
        assert family.documentation.endswith((".", "0."))


async def test_openapi_holds_the_contracts_schema_and_every_answer(acme: RunningApi) -> None:
    """Generated, so the documentation cannot differ from the check."""
    document = (await acme.ask("GET", "/openapi.json")).json()

    post_items = document["paths"][BULK_PATH]["post"]
    body = post_items["requestBody"]["content"]["application/json"]
    schema = {**body["schema"], "components": document["components"]}
    Draft202012Validator.check_schema(schema)
    for example in body["examples"].values():
        Draft202012Validator(schema).validate(example["value"])
    items = inner(document, inner(document, body["schema"])["items"])["anyOf"]
    assert [inner(document, one) for one in items] == bulk_schema()["items"]["anyOf"]
    assert set(body["examples"]) == {"mixed", *(row.name for row in EVENT_TYPES)}
    assert {int(status) for status in post_items["responses"]} == {200, 204} | {
        kind.status for kind in KINDS if kind is not NOT_FOUND
    }


def inner(document: Any, part: Any) -> Any:
    """What a `$ref` of *document* refers to."""
    for name in part["$ref"].removeprefix("#/").split("/"):
        document = document[name]
    return document


def parts_of(part: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(part, dict):
        yield part
    for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from parts_of(one)


def test_the_document_is_valid_openapi_and_all_it_refers_to_is_there() -> None:
    """By the published meta-schema of OpenAPI 3.1, of which Schemathesis has a copy."""
    document = json.loads(json.dumps(openapi_document()))

    for part in parts_of(document):
        if isinstance(part.get("$ref"), str):
            assert inner(document, part)
    Draft202012Validator(OPENAPI_31).validate(document)


def test_every_operation_has_a_name_and_a_described_tag() -> None:
    """A page groups by tags; what has none is shown as default."""
    document = openapi_document()
    operations = [one for path in document["paths"].values() for one in path.values()]
    tags = {one["name"]: one["description"] for one in document["tags"]}

    assert {name for one in operations for name in one["tags"]} == set(tags)
    assert all(tags.values())
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert document["info"]["title"] == "Railhead ingest API"


def test_the_document_names_types_reasons_limits_and_errors() -> None:
    """So that a client's author needs no other page."""
    document = openapi_document()
    schemas = document["components"]["schemas"]
    operation = document["paths"][BULK_PATH]["post"]

    assert {row.model.__name__ for row in EVENT_TYPES} < set(schemas)
    for reason in REASONS:
        assert (reason.code in schemas["Reason"]["enum"]) == (reason.kind != "stream")
        assert (
            reason.kind == "stream"
            or f"`{reason.code}`: {reason.meaning}" in (schemas["Reason"]["description"])
        )
    assert "50,000 items and 32 MiB" in operation["description"]
    assert "20 s" in operation["description"]
    for kind in set(KINDS) - {NOT_FOUND}:
        content = operation["responses"][str(kind.status)]["content"]["application/json"]
        schema = {**content["schema"], "components": document["components"]}
        body = content["examples"][kind.code]["value"]
        assert set(ApiError(kind, "what").body("r-1")) <= set(body)
        Draft202012Validator(schema).validate(body)
        assert not Draft202012Validator(schema).is_valid({**body, "error": "other"})


def test_every_schema_that_describes_an_answer_has_a_name() -> None:
    """A generator makes a class of a name; it has none for what stands in the middle of a path."""
    document = openapi_document()
    operations = [one for path in document["paths"].values() for one in path.values()]
    schemas = [
        content["schema"]
        for operation in operations
        for response in operation["responses"].values()
        for content in response.get("content", {}).values()
    ]

    named = [one for schema in schemas for one in schema.get("oneOf", [schema])]
    assert {tuple(one) for one in named} == {("$ref",)}
    bodies = [inner(document, one)["properties"] for one in named]
    assert {body["error"]["const"] for body in bodies if "error" in body} == {
        kind.code for kind in KINDS if kind is not NOT_FOUND
    }


async def test_every_answer_is_as_the_document_says(start_api: StartApi) -> None:
    """With its headers, and no field of a body that is not described."""
    async with start_api(max_items=3) as api:
        answers = [
            await api.post_items([casino("a"), 7]),
            await api.post_items([casino("a"), 7, casino("")], "?report=1"),
            await api.post_items([casino("a"), 7], "?dry_run=1"),
            await api.post_items([casino("a")], "?dryrun=1"),
            await api.post_items([1, 2, 3, 4]),
            await api.post_items({}),
            await api.post_items([], x_api_key="other"),
        ]
        api.memory.refused_topics.add("fasttrack.realtime-casino")
        answers.append(await api.post_items([casino("a")]))
        answers.append(await api.post_items([casino("a")], "?report=1"))

    document = openapi_document()
    components = document["components"]
    for answer in answers:
        described = document["paths"][BULK_PATH]["post"]["responses"][str(answer.status)]
        assert all(name in answer.headers for name in described["headers"])
        if answer.status == 204:
            continue
        schema = described["content"]["application/json"]["schema"]
        fitting = [
            inner(document, one)
            for one in schema.get("oneOf", [schema])
            if Draft202012Validator({**one, "components": components}).is_valid(answer.json())
        ]
        assert len(fitting) == 1
        assert set(answer.json()) <= set(fitting[0]["properties"])


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
