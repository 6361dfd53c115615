"""What the parts of a stack are started with."""

from __future__ import annotations

import socket
from pathlib import Path
from unittest.mock import Mock

import pytest

from railhead.stack.directory import DataDirectory
from railhead.stack.parts import api_part, clickhouse_part, kafka_part, worker_part
from railhead.stack.supervision import probes
from railhead.stack.supervision.supervisor import Part

HOST = "127.0.0.1"


@pytest.mark.parametrize(("given", "expected"), [("casino", "casino-2"), (None, None)])
def test_each_worker_has_an_instance_id_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, expected: str | None
) -> None:
    """With the same one they would throw each other out of the group."""
    monkeypatch.delenv("RAILHEAD_GROUP_INSTANCE_ID", raising=False)
    if given:
        monkeypatch.setenv("RAILHEAD_GROUP_INSTANCE_ID", given)

    part = worker_part(2, home=DataDirectory(tmp_path), port=1, environment={"A": "1"})

    assert part.environment.get("RAILHEAD_GROUP_INSTANCE_ID") == expected
    assert part.environment["A"] == "1"


def parts(port: int, tmp_path: Path) -> dict[str, Part]:
    """Each kind of part, with *port* as the one at which it is asked."""
    home = DataDirectory(tmp_path)
    return {
        "kafka": kafka_part(Mock(), port=port, registry=Mock()),
        "clickhouse": clickhouse_part(home, port=port),
        "worker": worker_part(1, home=home, port=port, environment={}),
        "one ingest API": api_part(
            "door-1", address=("0.0.0.0", port), metrics_port=None, environment={}
        ),
        "one of several": api_part("door-2", address=(HOST, 9), metrics_port=port, environment={}),
    }


async def test_every_part_is_asked_where_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that nobody accepts is silent; a part without one would never be seen to hang."""
    monkeypatch.setattr(probes, "SILENCE_SECONDS", 0.1)
    with socket.create_server((HOST, 0)) as silent:
        asked = parts(silent.getsockname()[1], tmp_path)

        for name, part in asked.items():
            assert part.reacts is not None, name
            assert not await part.reacts(), name
