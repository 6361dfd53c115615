"""`railhead send` gets every item of a file to the ingest API, whatever the API answers."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railhead.cli.main import main
from railhead.send import reading
from railhead.send.client import pause_seconds
from railhead.send.connection import Answer
from railhead.stack.ports import free_port
from tests.railhead.scripted_api import ScriptedApi, Step, scripted_api

AWKWARD = '"]},[{\\\\'
ITEMS = [{"event": "realtime-login", "data": {"unique_id": f"{n}{AWKWARD}"}} for n in range(25)]
Write = Callable[[bytes], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file and give its name; a key is in the environment."""
    monkeypatch.setenv("RAILHEAD_KEY", "rh_key")

    def write(content: bytes) -> str:
        path = tmp_path / "items"
        path.write_bytes(content)
        return str(path)

    return write


def send(api: ScriptedApi, file: str, *more: str) -> int:
    """Run the command, which gives up soon."""
    return main(["send", file, "--url", api.url, "--give-up-after", "3", *more])


def lines(items: Sequence[object]) -> bytes:
    """Write *items* one a line, with empty lines and Windows' line ends between."""
    return "\r\n\r\n".join(json.dumps(item) for item in items).encode()


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(ITEMS).encode(),
        json.dumps(ITEMS, indent=4).encode(),
        b"\xef\xbb\xbf \n" + json.dumps(ITEMS).encode() + b"\n",
        json.dumps(ITEMS[:7]).encode() + b"\n" + json.dumps(ITEMS[7:]).encode(),
        lines(ITEMS),
        lines(ITEMS) + b"\n\n",
        gzip.compress(lines(ITEMS)),
        gzip.compress(lines(ITEMS[:9]) + b"\n") + gzip.compress(lines(ITEMS[9:])),
    ],
    ids=["array", "pretty", "bom", "arrays", "lines", "trailing", "gzip", "gzip members"],
)
def test_every_shape_of_file_arrives_whole(write: Write, content: bytes) -> None:
    """An array, several, or lines, plain or gzip: the same items in the same order."""
    with scripted_api() as api:
        code = send(api, write(content), "--batch", "10")

        assert code == 0
        assert api.items() == ITEMS
        assert [len(json.loads(body)) for body in api.bodies] == [10, 10, 5]


def test_key_and_path_are_the_contracts(write: Write) -> None:
    """The key goes in its own header, the body to the endpoint."""
    with scripted_api() as api:
        send(api, write(lines(ITEMS)))

        assert api.headers[0]["x-api-key"] == "rh_key"
        assert api.paths == ["/api/v1/integrations/fasttrack/bulk"]


def test_digits_arrive_as_they_are_in_the_file(write: Write) -> None:
    """An amount is never read as a number on the way."""
    item = b'{"amount":  0.100000000000000000001e0}'
    with scripted_api() as api:
        send(api, write(b"[" + item + b"]"))

        assert api.bodies == [b"[" + item + b"]"]


def test_standard_input_is_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is a file like any other."""
    standard_input = io.TextIOWrapper(io.BytesIO(gzip.compress(lines(ITEMS))))
    monkeypatch.setattr(sys, "stdin", standard_input)
    with scripted_api() as api:
        assert send(api, "-") == 0
        assert api.items() == ITEMS


@pytest.mark.parametrize("status", [0, 408, 429, 500, 502, 503, 504, 510])
def test_batch_that_was_not_taken_is_sent_again_whole(write: Write, status: int) -> None:
    """A failure that may pass is repeated with the same items."""
    with scripted_api(Step(status), Step(204)) as api:
        code = send(api, write(lines(ITEMS)))

        assert code == 0
        assert api.bodies[0] == api.bodies[1]


@pytest.mark.parametrize("status", [403, 404, 415, 422])
def test_final_refusal_stops_at_once(
    write: Write, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """What would be refused again is not tried again; the API's message is shown."""
    with scripted_api(Step(status, {"message": "No valid key was sent"})) as api:
        code = send(api, write(lines(ITEMS)), "--batch", "5")

        assert code == 1
        assert len(api.bodies) == 1
        assert "No valid key was sent" in capsys.readouterr().err


def test_body_too_large_for_the_api_is_halved(write: Write) -> None:
    """A 413 splits the batch until the halves fit."""
    with scripted_api(Step(413), Step(413), Step(204)) as api:
        code = send(api, write(lines(ITEMS[:8])))

        assert code == 0
        sizes = [len(json.loads(body)) for body in api.bodies]
        assert sizes == [8, 4, 2, 2, 4]
        assert api.items()[12:] == ITEMS[:8]


def test_api_that_stays_down_is_given_up_with_a_way_to_go_on(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1, and the hint names the first line that was not sent."""
    file = write(b"\n".join(json.dumps(item).encode() for item in ITEMS))
    with scripted_api(Step(204), Step(204), *[Step(503)] * 50) as api:
        code = main(["send", file, "--url", api.url, "--batch", "10", "--give-up-after", "0.3"])
        hint = capsys.readouterr().err
        api.script.clear()
        api.bodies.clear()
        again = send(api, file, "--skip", "20")

        assert code == 1
        assert "--skip 20" in hint
        assert again == 0
        assert api.items() == ITEMS[20:]


def test_lines_that_are_not_json_are_named_and_the_others_sent(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """One torn line loses only itself, and sets the exit code."""
    with scripted_api() as api:
        code = send(api, write(lines(ITEMS[:2]) + b"\n{torn\n" + lines(ITEMS[2:4])))

        assert code == 1
        assert api.items() == ITEMS[:4]
        assert "4: not JSON" in capsys.readouterr().err


def test_report_names_line_field_and_reason(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the contract rejects is printed by its line in the file, not in the batch."""
    rejected = {
        "position": 1,
        "outcome": "rejected",
        "event": "realtime-login",
        "reason": "missing",
        "field": "data.user_id",
        "message": "is required",
    }
    report = {"outcomes": [{"position": 0, "outcome": "accepted"}, rejected]}
    with scripted_api(Step(200, {"outcomes": []}), Step(200, report)) as api:
        file = write(b"\n".join(json.dumps(item).encode() for item in ITEMS[:4]))
        code = send(api, file, "--batch", "2", "--report")

        assert code == 0
        assert capsys.readouterr().out == "4: missing data.user_id: is required\n"
        assert api.paths[0].endswith("/bulk?report=1")


def test_requests_are_compressed_on_request(write: Write) -> None:
    """--gzip sets the header and compresses."""
    with scripted_api() as api:
        send(api, write(lines(ITEMS)), "--gzip")

        assert api.headers[0]["Content-Encoding"] == "gzip"
        assert api.items() == ITEMS


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'[{"a":1},', "does not end"),
        (b'[{"a":1}] and more', "outside the array"),
        (gzip.compress(b"[1]" * 100)[:-9], "gzip"),
    ],
    ids=["array cut short", "text after the array", "gzip cut short"],
)
def test_damaged_file_is_an_error_not_an_end(
    write: Write, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    """A truncated file is never reported as sent."""
    with scripted_api() as api:
        assert send(api, write(content)) == 1
        assert words in capsys.readouterr().err


def test_no_key_is_wrong_use(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2 before anything is read."""
    file = write(lines(ITEMS))
    monkeypatch.delenv("RAILHEAD_KEY")
    with scripted_api() as api:
        assert send(api, file) == 2
        assert api.bodies == []


@pytest.mark.parametrize("odd", ["\n", "\r\n", "\x00", "\x1b[2J", "é", "\udcff"])
@pytest.mark.parametrize("where", ["option", "variable"])
def test_a_key_that_no_header_can_hold_is_wrong_use(
    write: Write,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    odd: str,
    where: str,
) -> None:
    """No traceback, and the key is not repeated."""
    key = f"rh_secret{odd}hunter2"
    monkeypatch.setattr("os.environ", dict(os.environ) | {"RAILHEAD_KEY": key})
    with scripted_api() as api:
        given = ["--key", key] if where == "option" else []
        code = main(["send", write(lines(ITEMS)), "--api-url", api.url, *given])

        out, err = capsys.readouterr()
        assert code == 2
        assert "the key has characters that no key has" in err
        assert "hunter2" not in out + err
        assert api.bodies == []


def test_a_silent_api_is_named_with_what_its_address_comes_from(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it waits, and when it gives up."""
    monkeypatch.setattr("railhead.waiting.SAID_AFTER_SECONDS", 0.05)
    nowhere = f"http://127.0.0.1:{free_port()}"
    file = write(lines(ITEMS))
    assert main(["send", file, "--key", "k", "--api-url", nowhere, "--give-up-after", "1.5"]) == 1

    said = capsys.readouterr().err
    named = f"the ingest API at {nowhere} (from --api-url)"
    assert f"waiting for {named}" in said
    assert f"railhead send: {named} does not answer" in said
    assert "RAILHEAD_HTTP_PORT" in said


def test_pause_grows_and_follows_retry_after() -> None:
    """Never sooner than Retry-After; doubling up to a bound; never the same for all."""
    calm = Answer(503)

    assert pause_seconds(1, calm, 1.0) < pause_seconds(3, calm, 1.0)
    assert pause_seconds(99, calm, 1.0) == 15.0
    assert pause_seconds(99, calm, 0.0) == 7.5
    assert pause_seconds(1, Answer(503, retry_after_seconds=40.0), 0.0) == 40.0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None, max_examples=60)
@given(values=st.lists(JSON, min_size=1), chunk=st.integers(1, 40), indent=st.none() | st.just(1))
def test_elements_are_the_same_wherever_chunks_end(
    values: list[object], chunk: int, indent: int | None
) -> None:
    """A chunk may end inside a string, an escape or a number."""
    text = json.dumps(values, indent=indent, ensure_ascii=False).encode()
    chunks = iter([text[at : at + chunk] for at in range(0, len(text), chunk)])
    found = list(reading._elements(next(chunks), chunks))

    assert [json.loads(element) for element in found] == values
