"""A broker and an engine without workers: they hold only what a test puts there."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from railhead.cli.main import main
from tests.railhead.audit.bookkeeper import HandDrivenWorker
from tests.system.e2e.system import System, wait_until

PARTITIONS = 80
Look = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


@pytest.fixture(scope="package")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Kafka and ClickHouse, each test on a partition of its own."""
    options = ("--parts", "kafka,clickhouse", "--partitions", str(PARTITIONS))
    running = System.make(tmp_path_factory.mktemp("audit") / "data", *options)
    running.up()
    # A broker that has just started leads its partitions and knows its groups a moment later.
    wait_until(
        lambda: running.railhead("reconcile", check=False),
        seconds=120,
        what="the broker can be asked about everything",
    )
    yield running
    assert running.down() == 0


@pytest.fixture
def worker(parts: System, monkeypatch: pytest.MonkeyPatch) -> HandDrivenWorker:
    """A worker driven by hand; commands find its broker and engine by the environment."""
    for name, value in parts.environment.items():
        if name.startswith("RAILHEAD_"):
            monkeypatch.setenv(name, value)
    # Nothing moves between two queries here, so a second audit would only take time.
    monkeypatch.setattr("railhead.audit.reconcile.LOOKS", 1)
    return HandDrivenWorker(parts.kafka, f"http://127.0.0.1:{parts.clickhouse_port}")


@pytest.fixture(scope="package")
def partitions() -> Iterator[int]:
    """Numbers of partitions nobody has used."""
    return itertools.count()


@pytest.fixture
def partition(partitions: Iterator[int]) -> int:
    """A partition of the casino topic for this test alone."""
    return next(partitions)


@pytest.fixture
def look(capsys: pytest.CaptureFixture[str]) -> Look:
    """`railhead reconcile --json`: exit code and document, reduced to one partition."""

    async def run(partition: int | None, *options: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        words = ["reconcile", "--type", "realtime-casino", "--json", *options]
        code = await asyncio.to_thread(main, words)
        printed = capsys.readouterr()
        assert printed.out, printed.err
        document = json.loads(printed.out)
        if partition is not None:
            findings = document["findings"]
            document["findings"] = [one for one in findings if one["partition"] == partition]
            reported = document["topics"][0]["partitions"]
            document["account"] = next(one for one in reported if one["partition"] == partition)
        return code, document

    return run
