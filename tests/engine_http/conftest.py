"""One engine for the tests that leave it running, with the tables that migrations would create."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine_http.process import EngineProcess

TABLES = (
    "CREATE DATABASE fasttrack",
    "CREATE DATABASE fasttrack_store",
    "CREATE TABLE fasttrack_store.t (a Int32, b String) ENGINE = MergeTree ORDER BY a",
    "INSERT INTO fasttrack_store.t VALUES (1, 'one'), (2, 'two')",
    "CREATE VIEW fasttrack.t AS SELECT * FROM fasttrack_store.t",
)


@pytest.fixture(scope="package")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """The running engine; tests must not stop it."""
    process = EngineProcess(tmp_path_factory.mktemp("clickhouse") / "data").start()
    try:
        for statement in TABLES:
            assert process.ask(statement).status == 200
        yield process
    finally:
        if process.process.poll() is None:
            process.stop()


@pytest.fixture
def table(engine: EngineProcess, request: pytest.FixtureRequest) -> Iterator[str]:
    """A table for this test only."""
    name = f"default.{request.node.name.partition('[')[0]}"
    engine.ask(f"DROP TABLE IF EXISTS {name} SYNC")
    made = engine.ask(
        f"CREATE TABLE {name} (id String, amount Decimal(38, 18), at DateTime64(3, 'UTC'),"
        " n Nullable(Int32), kind LowCardinality(String)) ENGINE = ReplacingMergeTree ORDER BY id"
        " SETTINGS non_replicated_deduplication_window = 100"
    )
    assert made.status == 200, made.text
    yield name
    engine.ask(f"DROP TABLE IF EXISTS {name} SYNC")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory for this test only."""
    return tmp_path / "data"
