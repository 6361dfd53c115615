"""The doctor names processes that are stopped or silent, and a stack of another version."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from railhead.doctor.advice import Advisor
from railhead.doctor.finding import State
from railhead.doctor.parts.kafka import group_finding
from railhead.doctor.parts.processes import process_checks, processes
from railhead.doctor.target import Target
from railhead.stack.addresses import (
    API_ENDPOINT,
    CLICKHOUSE_ENDPOINT,
    KAFKA_ENDPOINT,
    Address,
    StackRecord,
)

RECORD = StackRecord(
    {}, "d", {"door-1": "http://a:1/metrics", "worker-1": "http://127.0.0.1:1/metrics"}, "0.1.0"
)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A data directory of a stack with a worker."""
    (tmp_path / "run").mkdir()
    return Target(
        data_dir=tmp_path,
        tenants_file=tmp_path / "tenants.json",
        record=RECORD,
        advisor=Advisor(tmp_path, RECORD, in_container=False),
        api=Address(API_ENDPOINT, "http://a:1", "s"),
        kafka=Address(KAFKA_ENDPOINT, "k:1", "s"),
        clickhouse=Address(CLICKHOUSE_ENDPOINT, "http://c:1", "s"),
        settings=None,
        topics=None,
    )


@pytest.fixture
def worker(target: Target) -> Iterator[int]:
    """The pid of a process that is noted as worker-1."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (target.data_dir / "run" / "worker-1.pid").write_text(f"{process.pid}\n")
    yield process.pid
    process.kill()
    process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the state of a process")
def test_a_stopped_process_is_named(target: Target, worker: int) -> None:
    """Its port still takes connections, so nothing else shows it at once."""
    assert [one.state for one in processes(target)] == [State.OK]
    os.kill(worker, signal.SIGSTOP)
    os.waitpid(worker, os.WUNTRACED)

    [found] = processes(target)

    assert found.state is State.FAIL
    assert found.says == f"stopped by a signal: worker-1 (pid {worker})"


def test_another_version_than_that_which_runs_is_a_warning(target: Target) -> None:
    """Its views and topics may differ."""
    [found] = processes(replace(target, record=RECORD._replace(version="0.0.9")))

    assert found.state is State.WARN
    assert "Railhead 0.0.9, this command is 0.1.0" in found.says


def test_each_process_with_pages_of_its_own_is_asked(target: Target) -> None:
    """The ingest API at the shared address has a check already."""
    checks = list(process_checks(target))

    assert [one.name for one in checks] == ["processes", "worker-1"]
    [found] = checks[1].look()
    assert found.state is State.FAIL
    assert found.says.startswith("http://127.0.0.1:1 does not answer: ")


def test_nothing_is_known_of_an_up_that_has_ended(target: Target) -> None:
    """Its process numbers may be others' by now."""
    ended = replace(target, record=RECORD._replace(has_ended=True))

    assert list(process_checks(ended)) == []


@pytest.mark.parametrize(
    ("members", "state", "expected"),
    [(2, "Stable", State.OK), (1, "Stable", State.WARN), (2, "Rebalancing", State.WARN)],
)
def test_fewer_members_than_workers_is_a_warning(
    target: Target, members: int, state: str, expected: State
) -> None:
    """As when two workers have one instance id, or one hangs."""
    two = {"worker-1": "http://w:1/metrics", "worker-2": "http://w:2/metrics"}
    both = replace(target, record=RECORD._replace(metrics=two))

    found = group_finding(f"{members} in the group, {state}", members, both)

    assert found.state is expected
    assert ("RAILHEAD_GROUP_INSTANCE_ID" in found.advice) == (members == 1)
