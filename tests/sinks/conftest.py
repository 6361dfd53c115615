"""The two stores that the contract tests run against: in memory, and the engine over HTTP.

RAILHEAD_TEST_CLICKHOUSE_URL names a server to use; without it the embedded engine is started once.
Tests use tenants, topics and tokens of their own, so that they need no empty tables.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from clickhouse_connect.driver import create_client
from clickhouse_connect.driver.client import Client

from sinks.connection import client_arguments
from sinks.migrate import migrate
from sinks.settings import StoreSettings
from sinks.store import Store
from tests.sinks.memory import MemoryStore
from tests.sinks.subject import ClickHouseSubject, MemorySubject, Subject
from tests.system.mutants.run import VARIABLE


def start_engine(data_dir: str) -> tuple[subprocess.Popen[str], str]:
    """`railhead clickhouse` on a free port: the process and its address, once it is ready."""
    module = "tests.system.mutants.command" if os.environ.get(VARIABLE) else "railhead.cli.main"
    command = [
        sys.executable, "-m", module, "clickhouse", "--data-dir", data_dir, "--port", "0",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ready = process.stdout.readline()
    assert ready.startswith("ready "), ready
    return process, ready.split()[1]


@pytest.fixture(scope="package")
def clickhouse_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a ClickHouse."""
    given = os.environ.get("RAILHEAD_TEST_CLICKHOUSE_URL")
    if given:
        yield given
        return
    process, url = start_engine(str(tmp_path_factory.mktemp("engine")))
    yield url
    process.terminate()
    assert process.wait(timeout=30) == 0


@pytest.fixture(scope="package")
def settings(clickhouse_url: str) -> StoreSettings:
    """Settings that lead to a migrated ClickHouse."""
    made = StoreSettings(url=clickhouse_url)
    migrate(made, report=lambda _line: None)
    return made


@pytest.fixture(scope="package")
def sql(settings: StoreSettings) -> Iterator[Client]:
    """A client that sees what analysts see, and the tables behind."""
    with create_client(**client_arguments(settings)) as client:
        yield client


@pytest.fixture(scope="package")
def analyst(settings: StoreSettings) -> Iterator[Client]:
    """A client signed in as analysts are."""
    with create_client(**{**client_arguments(settings), "username": "analyst"}) as client:
        yield client


@pytest.fixture
def tenant() -> str:
    """A tenant nobody else uses."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=["memory", "clickhouse"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    """A store, and how to look into it."""
    if request.param == "memory":
        yield MemorySubject(MemoryStore())
        return
    store = Store(request.getfixturevalue("settings"))
    yield ClickHouseSubject(store, request.getfixturevalue("sql"))
    await store.close()
