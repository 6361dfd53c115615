"""A full disk may stop the engine, but never make it acknowledge what is not stored."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine_http.process import EngineProcess
from tests.system.chaos.disk import SmallDisk

MAKE = """
CREATE TABLE kept (id Int64, text String) ENGINE = ReplacingMergeTree ORDER BY id
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1
"""
ROWS = 500
FILLS = 6


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A small disk; the tests must run as a root user who may mount."""
    small = SmallDisk(tmp_path / "disk", 200)
    if not small.mount():
        pytest.skip("no right to mount a small disk")
    yield small
    small.unmount()


class Supervised:
    """An engine that is restarted when it ends, and clients that retry until acknowledged."""

    def __init__(self, data_dir: Path) -> None:
        self.engine = EngineProcess(data_dir).start()
        self.acknowledged: list[int] = []
        self.done = threading.Event()

    def keep_up(self) -> None:
        """Restart the engine whenever it has ended; on a full disk that may take some tries."""
        while not self.done.wait(0.05):
            if self.engine.process.poll() is not None:
                again = EngineProcess(self.engine.data_dir)
                try:
                    self.engine = again.start()
                except AssertionError:
                    again.kill()

    def send(self, first: int) -> None:
        """Insert batch after batch, retrying each with its token until it is acknowledged."""
        while not self.done.is_set():
            rows = "".join(f"{n}\t{n:0>40}\n" for n in range(first, first + ROWS))
            query = "INSERT INTO kept FORMAT TSV"
            try:
                stored = self.engine.ask(rows, query=query, insert_deduplication_token=str(first))
            except OSError:
                time.sleep(0.05)
                continue
            if stored.status == 200:
                self.acknowledged.append(first)
                first += ROWS
            else:
                assert stored.code == 243, stored.text

    def wait_for_more(self) -> None:
        """Return when inserts are acknowledged again."""
        before, deadline = len(self.acknowledged), time.monotonic() + 60
        while len(self.acknowledged) < before + 5:
            assert time.monotonic() < deadline, self.engine.log[-5:]
            time.sleep(0.02)


def test_what_a_full_disk_acknowledged_is_stored(disk: SmallDisk) -> None:
    """Filled again and again under inserts and merges: each acknowledged row is there once."""
    system = Supervised(disk.directory / "data")
    assert system.engine.ask(MAKE).status == 200
    threads = [threading.Thread(target=system.keep_up)]
    threads += [threading.Thread(target=system.send, args=(n * 10**9,)) for n in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(FILLS):
            system.wait_for_more()
            disk.fill()
            # How long it stays full does not matter: what was refused is sent again.
            time.sleep(0.3)
            disk.free()
        system.wait_for_more()
    finally:
        system.done.set()
        for thread in threads:
            thread.join()

    reported = system.engine.value("SELECT id, text FROM kept FINAL")
    system.engine.stop()
    rows = [line.split("\t") for line in reported.split("\n")]
    there = {int(number) for number, text in rows if int(number) == int(text)}
    sent = {n for first in system.acknowledged for n in range(first, first + ROWS)}
    assert sent <= there
    assert len(there) == len(rows)


def test_a_client_that_leaves_is_not_taken_for_a_broken_disk(engine: EngineProcess) -> None:
    """What nobody reads any more is discarded, not written to a closed pipe."""
    for _ in range(3):
        request = f"{engine.url}/?query=SELECT+number+FROM+numbers(10000000000)"
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.read(1 << 20)

    failed = "SELECT value FROM system.events WHERE event ILIKE '%WriteFailed'"
    running = "SELECT count() FROM system.processes WHERE query ILIKE '%numbers(10000000000)%'"
    deadline = time.monotonic() + 20
    while engine.value(running) != "1":  # this one
        assert time.monotonic() < deadline
    assert engine.value(failed) == ""
