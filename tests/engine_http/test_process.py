"""The process starts, stops, dies and starts again without losing what it acknowledged."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
from pathlib import Path

import pytest

from tests.engine_http.process import EngineProcess

MAKE = """
CREATE TABLE default.kept (id Int64) ENGINE = MergeTree ORDER BY id
SETTINGS non_replicated_deduplication_window = 100
"""


def test_killed_during_inserts_keeps_all_it_acknowledged(data_dir: Path) -> None:
    """`kill -9` under load, the same directory again: every acknowledged row is there once."""
    process = EngineProcess(data_dir).start()
    assert process.ask(MAKE).status == 200
    acknowledged: list[int] = []
    enough = threading.Event()

    def insert_until_it_dies(first: int) -> None:
        for number in range(first, first + 100_000):
            try:
                answer = process.ask(
                    str(number),
                    query="INSERT INTO kept FORMAT TSV",
                    insert_deduplication_token=str(number),
                )
            except (urllib.error.URLError, OSError):
                return
            if answer.status == 200:
                acknowledged.append(number)
            if len(acknowledged) > 100:
                enough.set()

    clients = [
        threading.Thread(target=insert_until_it_dies, args=(n * 1_000_000,)) for n in range(3)
    ]
    for client in clients:
        client.start()
    assert enough.wait(60)
    process.kill()
    for client in clients:
        client.join()

    again = EngineProcess(data_dir).start()
    stored = [int(line) for line in again.value("SELECT id FROM kept").split("\n")]
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))

    # The token of the last acknowledged insert is still known after the crash.
    last = str(acknowledged[-1])
    again.ask(last, query="INSERT INTO kept FORMAT TSV", insert_deduplication_token=last)
    assert again.value(f"SELECT count() FROM kept WHERE id = {last}") == "1"
    assert again.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_under_load(data_dir: Path, number: signal.Signals) -> None:
    """Reads are stopped, running inserts are finished, the exit code is 0."""
    process = EngineProcess(data_dir).start()
    process.ask(MAKE)
    codes: list[int] = []
    acknowledged: list[int] = []

    def read() -> None:
        codes.append(process.ask("SELECT sum(sipHash64(number)) FROM numbers(1000000000000)").code)

    def insert() -> None:
        for row in range(100_000):
            try:
                answer = process.ask(str(row), query="INSERT INTO kept FORMAT TSV")
            except (urllib.error.URLError, OSError):
                return
            if answer.status == 200:
                acknowledged.append(row)

    workers = [threading.Thread(target=read), threading.Thread(target=insert)]
    for worker in workers:
        worker.start()
    while len(acknowledged) < 10:
        pass
    process.process.send_signal(number)

    assert process.process.wait(40) == 0
    for worker in workers:
        worker.join()
    assert codes == [394]
    again = EngineProcess(data_dir).start()
    assert int(again.value("SELECT count() FROM kept")) >= len(acknowledged)
    assert again.stop() == 0


def test_a_second_process_on_the_directory_ends_with_an_error(data_dir: Path) -> None:
    """Exit code 1 and a message; the first one goes on."""
    first = EngineProcess(data_dir).start()
    command = [
        sys.executable,
        "-m",
        "railhead.cli.main",
        "clickhouse",
        "--data-dir",
        str(data_dir),
        "--port",
        "0",
    ]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert second.returncode == 1
    assert f"{data_dir} is in use by another process ({first.process.pid})" in second.stderr
    assert first.value("SELECT 1") == "1"
    assert first.stop() == 0


def test_a_port_in_use_is_an_error(data_dir: Path) -> None:
    """Exit code 1 and the reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [
            sys.executable,
            "-m",
            "railhead.cli.main",
            "clickhouse",
            "--data-dir",
            str(data_dir),
        ]
        command += ["--port", str(taken.getsockname()[1])]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 1
    assert "address already in use" in ended.stderr


def test_the_directory_is_private_and_holds_everything(data_dir: Path) -> None:
    """Mode 0700; temporary files inside; loopback only; UTC; no value in the log."""
    process = EngineProcess(
        data_dir,
        options=("--memory-limit-mib", "1024"),
        environment={"TZ": "America/New_York"},
    ).start()
    process.ask("SELECT 'not for the log', throwIf(1)")

    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert process.url.startswith("http://127.0.0.1:")
    assert process.value("SELECT timezone(), toString(toDateTime(0))") == "UTC\t1970-01-01 00:00:00"
    ask = "SELECT value FROM system.server_settings WHERE name = {name:String}"
    assert process.value(ask, param_name="max_server_memory_usage") == str(1 << 30)
    assert Path(process.value(ask, param_name="tmp_path")).parent == data_dir
    assert process.stop() == 0
    assert "statement failed" in "".join(process.log)
    assert "not for the log" not in "".join(process.log)


def test_a_stop_leaves_only_lines_of_its_own_in_the_log(data_dir: Path) -> None:
    """A clean stop logs nothing but JSON, and no error."""
    process = EngineProcess(data_dir).start()
    process.ask("SELECT 1", session_id="a")

    assert process.stop() == 0
    process.reader.join(60)
    lines = [json.loads(line) for line in process.log]
    assert [line["event"] for line in lines] == ["listening", "stopping", "stopped"]
