"""Every command finds a part in the same way: option, environment, data directory, default."""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from railhead.cli.main import main
from railhead.stack.addresses import (
    ADDRESSES_FILE,
    API_ENDPOINT,
    CLICKHOUSE_ENDPOINT,
    KAFKA_ENDPOINT,
    Endpoint,
    StackRecord,
    read_record,
    resolve,
    write_record,
)
from railhead.stack.settings import StackSettings
from tests.documents.command_lines import parse

ENDPOINTS = (API_ENDPOINT, KAFKA_ENDPOINT, CLICKHOUSE_ENDPOINT)
NOTHING = StackRecord({}, "no stack runs on d")
VARIABLES = {
    "RAILHEAD_HTTP_PORT": "81",
    "RAILHEAD_KAFKA_BOOTSTRAP": "k:81",
    "RAILHEAD_CLICKHOUSE_URL": "http://c:81",
}
OF_VARIABLES = {"ingest_api": "http://127.0.0.1:81", "kafka": "k:81", "clickhouse": "http://c:81"}
RECORD = StackRecord({one.key: f"http://recorded/{one.key}" for one in ENDPOINTS}, "d/file")


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.key)
@pytest.mark.parametrize(
    ("option", "variables", "recorded"), list(product([True, False], repeat=3))
)
def test_the_first_that_is_given_wins(
    endpoint: Endpoint, *, option: bool, variables: bool, recorded: bool
) -> None:
    """Option, then variable, then data directory, then default; the source says which."""
    address = resolve(
        endpoint,
        option="http://given" if option else None,
        environ=VARIABLES if variables else {},
        record=RECORD if recorded else NOTHING,
    )

    if option:
        expected = ("http://given", endpoint.option)
    elif variables:
        expected = (OF_VARIABLES[endpoint.key], endpoint.variables[-1])
    elif recorded:
        expected = (f"http://recorded/{endpoint.key}", "d/file")
    else:
        expected = (endpoint.default, "the default, as no stack runs on d")
    assert (address.value, address.source) == expected
    assert address.is_default is (not (option or variables or recorded))


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.key)
def test_what_is_empty_is_not_given(endpoint: Endpoint) -> None:
    """An unset variable of a compose file, for one."""
    empty = dict.fromkeys(endpoint.variables, "")

    assert resolve(endpoint, option="", environ=empty, record=RECORD).source == "d/file"


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"RAILHEAD_HTTP_HOST": "0.0.0.0"}, "http://127.0.0.1:8080"),
        ({"RAILHEAD_HTTP_HOST": "::"}, "http://[::1]:8080"),
        ({"RAILHEAD_HTTP_HOST": "::1", "RAILHEAD_HTTP_PORT": "9"}, "http://[::1]:9"),
        ({"RAILHEAD_HTTP_HOST": "box", "RAILHEAD_HTTP_PORT": "9"}, "http://box:9"),
        ({"railhead_http_port": "9"}, "http://127.0.0.1:9"),
    ],
)
def test_where_the_api_listens_is_where_it_is_asked(environ: dict[str, str], url: str) -> None:
    """An address that listens everywhere is not one to connect to."""
    assert resolve(API_ENDPOINT, option=None, environ=environ, record=RECORD).value == url


def test_an_error_says_all_that_is_needed() -> None:
    """What was tried, where it comes from, and what to set; no password."""
    environ = {"RAILHEAD_CLICKHOUSE_URL": "http://me:hunter2@c:81"}
    address = resolve(CLICKHOUSE_ENDPOINT, option=None, environ=environ, record=RECORD)
    error = address.no_answer("refused")

    assert error.startswith(
        "ClickHouse at http://***@c:81 (from RAILHEAD_CLICKHOUSE_URL) does not answer: refused."
    )
    for setting in ("--clickhouse-url", "RAILHEAD_CLICKHOUSE_URL", "--data-dir"):
        assert setting in error.split("refused.")[1]


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    """With version, process and metrics pages; readable by its owner only."""
    path = tmp_path / ADDRESSES_FILE
    settings = StackSettings(
        data_dir=tmp_path, http_host="0.0.0.0", http_port=1, kafka_port=2, clickhouse_port=3
    )
    write_record(path, settings, {"worker-1": "http://127.0.0.1:4/metrics"})

    assert read_record(tmp_path) == StackRecord(
        {
            "ingest_api": "http://127.0.0.1:1",
            "kafka": "127.0.0.1:2",
            "clickhouse": "http://127.0.0.1:3",
        },
        str(path),
        metrics={"worker-1": "http://127.0.0.1:4/metrics"},
        version="0.1.0",
    )
    content = json.loads(path.read_text())
    assert (content["version"], content["pid"]) == ("0.1.0", os.getpid())
    assert content["metrics"] == {"worker-1": "http://127.0.0.1:4/metrics"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [ADDRESSES_FILE]


def test_a_stack_that_was_killed_is_called_so(tmp_path: Path) -> None:
    """Its addresses are still the best known ones."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    content = {"pid": ended.pid, "kafka": "127.0.0.1:2"}
    (tmp_path / ADDRESSES_FILE).write_text(json.dumps(content))

    record = read_record(tmp_path)
    assert record.addresses == {"kafka": "127.0.0.1:2"}
    assert record.note.endswith("its `railhead up` has ended")
    assert record.has_ended


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[]", b"{}", b'{"kafka": 9092}', b'"x"', b"null"]
)
def test_a_damaged_file_is_named_and_not_believed(tmp_path: Path, content: bytes) -> None:
    """Somebody edited it; the default is tried, and an error says why."""
    (tmp_path / ADDRESSES_FILE).write_bytes(content)

    assert read_record(tmp_path) == StackRecord({}, f"{tmp_path / ADDRESSES_FILE} is damaged")


def test_no_file_means_no_stack(tmp_path: Path) -> None:
    """In an empty directory, in none, and where a file is in its place."""
    (tmp_path / "file").touch()
    for data_dir in (tmp_path, tmp_path / "none", tmp_path / "file"):
        assert read_record(data_dir) == StackRecord({}, f"no stack runs on {data_dir}")


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["sql", "SELECT 1"], "clickhouse"),
        (["migrate"], "clickhouse"),
        (["send", "file"], "ingest_api"),
        (["doctor"], "ingest_api"),
        (["rejected", "replay"], "ingest_api"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_the_old_spelling_goes_on_working(words: list[str], key: str) -> None:
    """It is not shown, and means what it always did in that command."""
    assert getattr(parse([*words, "--url", "http://x"]), key) == "http://x"
    assert "--url" not in help_of(words[:2] if words[0] == "rejected" else words[:1])


@pytest.mark.parametrize("name", ["sql", "migrate", "topics", "send", "conflicts", "reconcile"])
def test_data_dir_means_the_same_everywhere(name: str) -> None:
    """The same words in every command."""
    assert "the directory of `railhead up`" in help_of([name])


def help_of(words: list[str]) -> str:
    """What `--help` prints, in one line."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit):
        main([*words, "--help"])
    return " ".join(out.getvalue().split())
